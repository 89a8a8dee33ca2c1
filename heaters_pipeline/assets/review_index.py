"""``review_index``: the page that lists all videos, with what waits for review."""

from typing import Any

import dagster as dg

from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.policy import CATALOG_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.review_pages import LINKS_LAST
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.assets.stage_work import SHOWN_SKIP_REASON
from heaters_pipeline.errors import ManifestError
from heaters_pipeline.names import CATALOG_ASSET, REVIEW_ASSET, WORK_TAG
from heaters_pipeline.report.review_page.page_data import PAGE_VERSION
from heaters_pipeline.report.review_page.video_list import list_html, listed_videos
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import read_manifest
from heaters_pipeline.workspace import Workspace


@dg.asset(
    deps=[
        dg.AssetDep(REVIEW_ASSET, partition_mapping=dg.AllPartitionMapping()),
        CATALOG_ASSET,
    ],
    group_name=CATALOG_GROUP,
    kinds={"html", STORE_KIND},
    tags={WORK_TAG: "decide"},
    code_version=str(PAGE_VERSION),
    retry_policy=RETRY_POLICY,
    # Some video never has a page, and the others are listed nevertheless.
    automation_condition=dg.AutomationCondition.eager().without(
        ~dg.AutomationCondition.any_deps_missing()
    ),
)
def review_index(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> dg.MaterializeResult[Any]:
    """The page of all videos: search, what waits for review, and links to the pages in the store.

    It opens from a folder, and by a presigned link from a bucket; each run renews its links there.
    """
    with lasting_errors_fail():
        store = workspace.store
        is_signed = not store.url.startswith("file:")
        until = (store.now() + LINKS_LAST).isoformat() if is_signed else None
        videos, pages = listed_videos(store), _pages(store)

        def address(video_id: str) -> str | None:
            key = pages.get(video_id)
            if key is None:
                return None
            return store.link(key) if is_signed else key.removeprefix("review_pages/")

        content = list_html(videos, address, links_until=until)
        is_same = not is_signed and _stored(store) == content
        if not is_same:
            workspace.write_bytes(keys.REVIEW_INDEX, content, "text/html; charset=utf-8")
        result: dict[str, Any] = {
            "skipped": is_same,
            **({"reason": SHOWN_SKIP_REASON} if is_same else {}),
            "page": link(store, keys.REVIEW_INDEX),
            **({"links_until": until} if until else {}),
            "videos": len(videos),
            "pages": sum(one.video_id in pages for one in videos),
            "to_review": sum(one.state in ("waiting", "begun") for one in videos),
        }
        context.log.info("review_index: %s", result)
        listed = repr([(one.to_json(), pages.get(one.video_id)) for one in videos])
        version = dg.DataVersion(bytes_sha256(listed.encode()))
        return dg.MaterializeResult(metadata=result, data_version=version)


def _stored(store: ObjectStore) -> bytes | None:
    return store.read_bytes(keys.REVIEW_INDEX) if store.head(keys.REVIEW_INDEX) else None


def _pages(store: ObjectStore) -> dict[str, str]:
    """The key of the page of each video that has one, by one LIST.

    Only where older pages of a video are still there its manifest is read, which names the latest.
    """
    found: dict[str, list[str]] = {}
    for each in store.list(f"{REVIEW_ASSET}/"):
        video_id = keys.review_page_video(each.key)
        if video_id is not None:
            found.setdefault(video_id, []).append(each.key)
    return {
        video_id: pages[0] if len(pages) == 1 else _latest(store, video_id)
        for video_id, pages in found.items()
    }


def _latest(store: ObjectStore, video_id: str) -> str:
    manifest = read_manifest(store, REVIEW_ASSET, video_id)
    if manifest is None:
        raise ManifestError(
            f"{keys.manifest_key(REVIEW_ASSET, video_id)} is missing, so nobody can tell which of "
            "the review pages is the latest: run make_review_pages for the video"
        )
    return manifest.items[0].key
