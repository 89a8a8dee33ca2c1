"""What is registered of a header: a start timecode only of files that have one."""

from dataclasses import replace
from pathlib import Path

from heaters_pipeline.assets.source_videos import header_facts, shown_facts
from heaters_pipeline.video.media.probe import probe


def test_records_of_files_without_a_timecode_are_those_of_before_it_was_read(film: Path) -> None:
    info = probe(film)
    assert info.start_timecode is None
    # Another field would have every source registered anew that is brought in again.
    assert "start_timecode" not in header_facts(info)
    assert "start_timecode" not in shown_facts(header_facts(info))


def test_a_start_timecode_is_recorded_and_shown(film: Path) -> None:
    facts = header_facts(replace(probe(film), start_timecode="10:59:58;20"))
    assert facts["start_timecode"] == "10:59:58;20"
    assert shown_facts(facts)["start_timecode"] == "10:59:58;20"
