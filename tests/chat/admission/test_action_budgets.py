from __future__ import annotations

from chatroom.chat.admission.action_budgets import ActionBudgets


def test_a_budget_fills_again_over_its_period() -> None:
    """All actions may come at once; then each comes when its share of the period has passed."""
    budgets = ActionBudgets()
    assert [budgets.take("a", 3, 60_000, 0) for _ in range(4)] == [0, 0, 0, 20_000]
    assert budgets.take("b", 3, 60_000, 0) == 0
    assert budgets.take("a", 3, 60_000, 19_999) == 1
    assert [budgets.take("a", 3, 60_000, 20_000) for _ in range(2)] == [0, 20_000]


def test_the_table_is_bounded() -> None:
    """The key that acted the longest ago is forgotten."""
    budgets = ActionBudgets(most_keys=2)
    for key in ("a", "b", "a", "c"):
        budgets.take(key, 2, 60_000, 0)
    assert len(budgets) == 2
    assert budgets.take("a", 2, 60_000, 0) > 0
