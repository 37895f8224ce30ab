"""The database, settings, assets, readiness."""

from __future__ import annotations

from gis.errors.families import NotFound, Rejected, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or answered that it is overloaded."""

    code = "database-unavailable"
    title_zh, title_en = "数据库暂不可用", "Database unavailable"
    detail_zh = "数据库暂时没有应答，未写入任何内容。请稍后重试。"
    detail_en = (
        "The database does not answer at the moment; nothing was written. Try again shortly."
    )


class ClusterProblem(Unavailable):
    """The private PostgreSQL cannot be started or used."""

    code = "cluster-problem"
    title_zh, title_en = "私有数据库无法启动", "The private database cannot start"
    detail_zh = "{reason_zh} {advice_zh}"
    detail_en = "{reason_en} {advice_en}"


class IndexFileInvalid(Unavailable):
    """A saved cell index is of another version, damaged or cut off."""

    code = "index-file-invalid"
    title_zh, title_en = "空间索引文件不可用", "The cell index file cannot be used"
    detail_zh = "空间索引文件 {path} 不可用：{reason_zh}。请删除后重新生成。"
    detail_en = "The cell index file {path} is unusable: {reason_en}. Delete it and build it anew."


class SettingInvalid(Rejected):
    """An environment variable holds something that it cannot mean."""

    code = "setting-invalid"
    title_zh, title_en = "设置无效", "Invalid setting"
    detail_zh = "环境变量 {variable} 无效：{reason}。运行 gridward settings 可查看全部设置。"
    detail_en = (
        "The environment variable {variable} is not valid: {reason}. "
        "`gridward settings` lists all settings."
    )


class AssetUnknown(NotFound):
    """A path below /assets/ that is not declared."""

    code = "asset-unknown"
    title_zh, title_en = "没有这个文件", "No such asset"
    detail_zh = "没有文件 {path}。"
    detail_en = "There is no asset {path}."


class AssetsMissing(Unavailable):
    """A declared script or style is not installed."""

    code = "assets-missing"
    title_zh, title_en = "网页资源未安装", "Web assets are not installed"
    detail_zh = "缺少网页资源 {file}。请运行 make setup。"
    detail_en = "The web asset {file} is missing. Run `make setup`."


class PostgisMissing(Unavailable):
    """The database has no PostGIS."""

    code = "postgis-missing"
    title_zh, title_en = "数据库缺少 PostGIS", "PostGIS is missing"
    detail_zh = "数据库未安装 PostGIS 扩展。请安装后运行 gridward db migrate。"
    detail_en = "The database has no PostGIS extension. Install it, then run `gridward db migrate`."


class SchemaBehind(Unavailable):
    """The database's schema is not the one that this code works with."""

    code = "schema-behind"
    title_zh, title_en = "数据库结构版本不符", "Schema is not current"
    detail_zh = "数据库结构版本为 {current}，程序需要 {head}。请运行 gridward db migrate。"
    detail_en = (
        "The database's schema is at {current}, this code needs {head}. Run `gridward db migrate`."
    )


class NotReady(Unavailable):
    """Some part that the service needs is not there yet."""

    code = "not-ready"
    title_zh, title_en = "服务尚未就绪", "Not ready"
    detail_zh = "以下部分尚未就绪：{parts}。原因见 facts.reasons。"
    detail_en = "These parts are not ready: {parts}. facts.reasons says why."


class JobUnknown(NotFound):
    """No long job of that id, or it is somebody else's."""

    code = "job-unknown"
    title_zh, title_en = "没有这个任务", "No such job"
    detail_zh = "没有编号为 {id} 的任务，或它不是您发起的。结果保留 30 天。"
    detail_en = "There is no job {id}, or somebody else started it. Results are kept for 30 days."


class JobGivenUp(Unavailable):
    """The processes that worked on a long job died again and again, or lost the database."""

    code = "job-given-up"
    title_zh, title_en = "任务中断", "The job was given up"
    detail_zh = "执行该任务的后台进程多次意外结束，任务未完成。请重新发起；若再次发生，请看日志。"
    detail_en = (
        "The processes that worked on this job ended unexpectedly, and it is not finished. Start "
        "it again; if that happens again, look at the log."
    )


class QueueStopped(Unavailable):
    """Jobs are due and nobody works on them."""

    code = "queue-stopped"
    title_zh, title_en = "后台任务停滞", "The job queue stands still"
    detail_zh = (
        "有 {due} 个后台任务到期未执行，最久已等待 {oldest_s} 秒，在线后台进程 {workers} 个。"
        "请检查 gridward work 或设置 GRIDWARD_JOB_WORKERS。"
    )
    detail_en = (
        "{due} jobs are due and wait, the oldest for {oldest_s} s; {workers} workers are alive. "
        "Look after `gridward work`, or set GRIDWARD_JOB_WORKERS."
    )


class FontsMissing(Unavailable):
    """A map cannot be printed: no font with Chinese characters is installed."""

    code = "fonts-missing"
    title_zh, title_en = "缺少中文字体", "No Chinese font"
    detail_zh = (
        "打印地图需要中文字体。请安装 fonts-noto-cjk（运行 make setup），或以下任一字体：{fonts}。"
    )
    detail_en = (
        "Printing maps needs a font with Chinese characters: install fonts-noto-cjk (make setup), "
        "or one of {fonts}."
    )
