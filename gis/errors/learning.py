"""What was learned, and taking it back."""

from __future__ import annotations

from gis.errors.families import NotFound, Rejected


class CorrectionUnknown(NotFound):
    """No live correction of that number."""

    code = "correction-unknown"
    title_zh, title_en = "没有这条更正", "No such correction"
    detail_zh = (
        "没有编号为 {correction_id} 且仍有效的更正。"
        "请用 gridward learn show 或 GET /v1/learning/corrections 查看。"
    )
    detail_en = (
        "There is no live correction {correction_id}. `gridward learn show` or "
        "GET /v1/learning/corrections lists them."
    )


class BadPinUnknown(NotFound):
    """No coordinate of that number in the table of failed geocodings."""

    code = "bad-pin-unknown"
    title_zh, title_en = "没有这个坐标", "No such coordinate"
    detail_zh = "失效坐标表中没有编号为 {pin_id} 且仍有效的一条。请用 GET /v1/learning 查看。"
    detail_en = "There is no coordinate {pin_id} in the table. GET /v1/learning lists them."


class NothingToEvaluate(Rejected):
    """No event, or no row, whose answer is known."""

    code = "nothing-to-evaluate"
    title_zh, title_en = "没有可评估的数据", "Nothing to evaluate"
    detail_zh = "没有已知正确网格的{what_zh}，无法评估。"
    detail_en = "There is no {what_en} whose right grid is known."


class PrecisionInvalid(Rejected):
    """A wanted precision that no matching can be held to."""

    code = "precision-invalid"
    title_zh, title_en = "准确率无效", "Precision out of range"
    detail_zh = "准确率 {precision} 无效，应为 0.5 到 1 之间（不含 1）的小数，例如 0.995。"
    detail_en = "A precision of {precision} is not possible: give 0.5 to below 1, such as 0.995."
