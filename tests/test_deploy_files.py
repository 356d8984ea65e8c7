from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from harness.metrics import make_sources

from chatroom.server.metrics import make_registry

DEPLOY = Path(__file__).parents[1] / "deploy"
_NAME = re.compile(r"\b(?:chatroom|process)_[a-z_]+")


@pytest.fixture
def known(tmp_path: Path) -> dict[str, set[str]]:
    """The labels of each metric that a server has, by the name of the sample."""
    certificate = Path(__file__).parent / "none.pem"
    metrics = make_registry(make_sources(tmp_path / "chat.db", certificate, nodes=(True, 3))).collect()
    found = {sample.name: set(sample.labels) for metric in metrics for sample in metric.samples}
    return {**found, "chatroom_certificate_not_after_seconds": {"file"}}  # it has a sample only with a certificate


def check(expression: str, known: dict[str, set[str]]) -> None:
    """Fail if an expression names a metric, or a label of one, that a server has not."""
    names = _NAME.findall(expression)
    assert names, expression
    for name in names:
        assert name in known, name
        labels = re.findall(rf"{name}\{{([^}}]*)\}}", expression)
        used = {label for part in labels for label in re.findall(r"(\w+)(?:=|!)", part)}
        assert used <= known[name] | {"instance", "job"}, (name, used)


def test_the_dashboard_asks_for_metrics_that_exist(known: dict[str, set[str]]) -> None:
    """Each panel has a number of its own, a place of its own, and a question that a server answers."""
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    for panel in panels:
        for target in panel["targets"]:
            check(target["expr"], known)


def test_the_alerts_ask_for_metrics_that_exist(known: dict[str, set[str]]) -> None:
    """Each rule has what Prometheus needs, and a sentence of what to do."""
    (group,) = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    rules = group["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        if rule["alert"] != "ChatroomDown":  # Prometheus itself makes "up"
            check(rule["expr"], known)


def test_an_unknown_metric_would_be_found(known: dict[str, set[str]]) -> None:
    """So that the tests above can fail."""
    with pytest.raises(AssertionError, match="chatroom_usres"):
        check("rate(chatroom_usres[5m])", known)
    with pytest.raises(AssertionError, match="colour"):
        check('chatroom_users{colour="red"}', known)


def test_the_page_lists_every_metric(known: dict[str, set[str]]) -> None:
    """docs/monitoring.md has each of the server's own metrics, and no other."""
    page = (DEPLOY.parent / "docs" / "monitoring.md").read_text()
    named = {name.removesuffix("_") for name in _NAME.findall(page) if name.startswith("chatroom_")}
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known if name.startswith("chatroom_")}
    assert named == own
