"""The base of the widgets of the chat: rows of the screen, with nothing around them."""

from __future__ import annotations

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget


class BareWidget(Widget):
    """A widget without border and padding, which paints rows of exactly its own width.

    Textual makes a new row of each row for each paint, to put styles, borders and padding around it. For a full log
    that was half of what a paint cost. Here a row is drawn as it is; one that ``paint_row`` returns again costs
    nothing, because a ``Strip`` keeps what was drawn of it.
    """

    def paint_row(self, y: int, size: Size) -> Strip:
        """Paint one row. ``size`` is that of the widget, which Textual takes long to look up."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        return self.paint_row(y, self.size)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint the rows of a region."""
        size = self.size
        strips = [self.paint_row(y, size) for y in crop.line_range]
        filters = self.get_line_filters()
        if filters:  # those of a screen without colours
            background = self.background_colors[1]
            for one in filters:
                strips = [strip.apply_filter(one, background) for strip in strips]
        if crop.column_span != (0, size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips
