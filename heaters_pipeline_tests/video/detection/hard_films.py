"""Films of content that is hard for scene detection: each a function of a random generator."""

from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from typing import TypeAlias

import cv2
import numpy as np

from heaters_pipeline_tests.video.detection.hard_shots import (
    Camera,
    Film,
    Floats,
    Rng,
    barred,
    card,
    filmed,
    scenery,
    shot,
    slide,
    spliced,
    with_overlay,
)
from heaters_pipeline_tests.video.detection.moving_shots import SIZE_PX, Picture

MakeFilm: TypeAlias = Callable[[Rng], Film]

WIDTH_PX, HEIGHT_PX = SIZE_PX


def _lengths(rng: Rng, shots: int = 4) -> list[int]:
    return [int(length) for length in rng.integers(14, 30, shots)]


def letterbox(rng: Rng) -> Film:
    """Cuts behind bars above and below."""
    rows = rng.uniform(0.1, 0.2)
    return spliced(*(barred(shot(rng, length), rows=rows) for length in _lengths(rng)))


def pillarbox(rng: Rng) -> Film:
    """Cuts behind bars at both sides, as wide as around an upright video at most."""
    columns = rng.uniform(0.12, 0.34)
    return spliced(*(barred(shot(rng, length), columns=columns) for length in _lengths(rng)))


def bars_change_at_cuts(rng: Rng) -> Film:
    """Shots of other formats in between: bars appear and go with the cuts."""
    first, second, third, fourth = (shot(rng, length) for length in _lengths(rng))
    return spliced(first, barred(second, columns=0.125), third, barred(fourth, rows=0.13))


def bars_slide_in(rng: Rng) -> Film:
    """Bars that close in on a shot, which goes on."""
    pictures = shot(rng, 60)
    for number in range(20, 60):
        rows = 0.13 * min(1.0, (number - 19) / 12)
        pictures[number : number + 1] = barred([pictures[number]], rows=rows)
    return Film(pictures)


def watermark(rng: Rng) -> Film:
    """A station's logo in a corner, not quite opaque, over all shots."""
    film = spliced(*(shot(rng, length) for length in _lengths(rng)))
    overlay, opacity = _overlay()
    left, top = int(rng.choice([12, 250])), int(rng.choice([10, 130]))
    opacity[top : top + 36, left : left + 56] = rng.uniform(0.5, 1)
    at = (left + 4, top + 26)
    cv2.putText(overlay, "TV1", at, cv2.FONT_HERSHEY_DUPLEX, 0.8, (20, 20, 200), 2)
    return Film(with_overlay(film.pictures, overlay, opacity), film.transitions)


def large_logo(rng: Rng) -> Film:
    """A preview copy, with a translucent logo over most of the picture."""
    film = spliced(*(shot(rng, length) for length in _lengths(rng)))
    overlay, _ = _overlay()
    letters = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    cv2.putText(letters, "PREVIEW", (10, 115), cv2.FONT_HERSHEY_DUPLEX, 2.2, (128,), 14)
    opacity = np.asarray(letters / 255, np.float32)
    return Film(with_overlay(film.pictures, overlay, opacity), film.transitions)


def lower_thirds(rng: Rng) -> Film:
    """In each shot a name on a plate appears at once, fades in or slides in, and goes again."""
    shots = []
    for _ in range(3):
        pictures = shot(rng, 54)
        overlay, opacity = _overlay()
        overlay[126:164, 16:240] = rng.uniform(0, 255, 3)
        text = str(rng.choice(["ANNA LIND", "DR. M. OKAFOR", "LIVE: NAIROBI"]))
        cv2.putText(overlay, text, (24, 152), cv2.FONT_HERSHEY_DUPLEX, 0.7, (250,) * 3, 1)
        ramp_frames = int(rng.choice([1, 4, 8]))
        slides = rng.random() < 0.5
        for number in range(12, 42):
            share = min(1.0, (number - 11) / ramp_frames, (42 - number) / ramp_frames)
            opacity[126:164, 16:240] = 0.92 * (1 if slides else share)
            shown, plate = opacity.copy(), overlay
            if slides:
                plate = np.roll(overlay, -round((1 - share) * 240), axis=1)
                shown[:, round(share * 240) :] = 0
            pictures[number : number + 1] = with_overlay([pictures[number]], plate, shown)
        shots.append(pictures)
    return spliced(*shots)


def still_half(rng: Rng) -> Film:
    """The left half shows one still picture, the right half shots with cuts."""
    still = shot(rng, 1)[0]
    film = spliced(*(shot(rng, length) for length in _lengths(rng)))
    return Film([_beside(still, picture) for picture in film.pictures], film.transitions)


def split_screen(rng: Rng) -> Film:
    """Two halves that move, one of which cuts, between shots of the full size."""
    opening, left, right, other_right, closing = (shot(rng, 44) for _ in range(5))
    first = [_beside(a, b) for a, b in zip(left[:22], right, strict=False)]
    second = [_beside(a, b) for a, b in zip(left[22:], other_right, strict=False)]
    return spliced(opening[:20], first, second, closing[:20])


def split_screen_with_a_still(rng: Rng) -> Film:
    """Two halves of which one moves, between shots of the full size."""
    opening, left, closing = (shot(rng, 30) for _ in range(3))
    still = shot(rng, 1)[0]
    return spliced(opening, [_beside(picture, still) for picture in left], closing)


def text_cards(rng: Rng) -> Film:
    """Cards with white text on black, one after the other."""
    return spliced(*([card(rng)] * length for length in _lengths(rng)))


def cards_and_dark_shots(rng: Rng) -> Film:
    """A card, a dark shot, a card, a dark shot."""
    first, second, third, fourth = _lengths(rng)
    return spliced(
        [card(rng)] * first,
        shot(rng, second, style="dark"),
        [card(rng)] * third,
        shot(rng, fourth, style="dark"),
    )


def rolling_credits(rng: Rng) -> Film:
    """Lines of text that roll upwards over black without an end."""
    roll = np.concatenate([card(rng, lines=5) for _ in range(4)])
    speed_px = float(rng.uniform(0.8, 3.5))
    tops = [round(number * speed_px) for number in range(70)]
    return Film([np.ascontiguousarray(roll[top : top + HEIGHT_PX]) for top in tops])


def talk_with_slides(rng: Rng) -> Film:
    """Slides over the whole picture, a speaker who moves a little in the corner."""
    return _talk(rng, [[slide(rng)] * length for length in _lengths(rng)])


def talk_with_bullets(rng: Rng) -> Film:
    """A slide that another line is added to, twice, and then another slide."""
    seed = int(rng.integers(1 << 30))
    bullets = int(rng.integers(3, 5))
    growing: list[Picture] = []
    whole = slide(np.random.default_rng(seed), bullets=6)
    for shown in (bullets, bullets + 1, bullets + 2):
        picture = whole.copy()
        picture[54 + 20 * shown :] = 245
        growing += [picture] * 16
    return _talk(rng, [growing, [slide(rng)] * 20])


def dark_mirrored(rng: Rng) -> Film:
    """Dark shots of mirrored places, so that all histograms are alike."""
    scene = scenery(rng, style="dark")
    turns: Sequence[Callable[[Picture], Picture]] = (
        lambda picture: picture,
        lambda picture: np.ascontiguousarray(picture[:, ::-1]),
        lambda picture: np.ascontiguousarray(picture[::-1, ::-1]),
        lambda picture: np.ascontiguousarray(picture[::-1]),
    )
    return spliced(
        *(
            filmed(rng, turn(scene), length, Camera.random(rng), grain=1.0)
            for turn, length in zip(turns, _lengths(rng), strict=True)
        )
    )


def dark_shuffled(rng: Rng) -> Film:
    """Dark shots whose pictures consist of the same squares in other places."""
    pictures = shot(rng, 80, style="dark", objects=1)
    rows, columns, side = 3, 4, 60
    film = spliced(pictures[:20], pictures[20:40], pictures[40:60], pictures[60:])
    shuffled = []
    for number in range(4):
        places = rng.permutation(rows * columns) if number else np.arange(rows * columns)
        for picture in film.pictures[20 * number : 20 * number + 20]:
            wide = picture[:, : columns * side]
            squares = wide.reshape(rows, side, columns, side, 3).swapaxes(1, 2)
            mixed = squares.reshape(-1, side, side, 3)[places].reshape(squares.shape)
            shuffled.append(np.ascontiguousarray(mixed.swapaxes(1, 2).reshape(wide.shape)))
    return Film(shuffled, film.transitions)


def montage(rng: Rng) -> Film:
    """Shots of 3 to 10 frames."""
    lengths = [20, *(int(length) for length in rng.integers(3, 11, 12)), 20]
    return spliced(*(shot(rng, length) for length in lengths))


def montage_of_stills(rng: Rng) -> Film:
    """Photographs that are shown for 3 to 6 frames each."""
    lengths = [20, *(int(length) for length in rng.integers(3, 7, 14)), 20]
    return spliced(*(shot(rng, 1, objects=0) * length for length in lengths))


def animated_on_twos(rng: Rng) -> Film:
    """Each picture is shown twice, as in most animation."""
    return _animated(rng, (2,))


def animated_on_threes(rng: Rng) -> Film:
    """Each picture is shown three times."""
    return _animated(rng, (3,))


def animated_on_fours(rng: Rng) -> Film:
    """Each picture is shown four times."""
    return _animated(rng, (4,))


def animated_unevenly(rng: Rng) -> Film:
    """Pictures are shown twice and three times, as ten a second are at 25."""
    return _animated(rng, (2, 3))


def _animated(rng: Rng, holds: Sequence[int]) -> Film:
    """Each picture is shown so many times, over and over, while all of it moves."""
    shots = []
    for length in _lengths(rng):
        drawings = filmed(
            rng,
            scenery(rng, width_px=2 * WIDTH_PX),
            length * len(holds) // sum(holds),
            Camera(across_px=1, zoom=0.012),
            objects=25,
            frame_rate=5,
        )
        held = zip(drawings, cycle(holds), strict=False)
        shots.append([picture for picture, times in held for _ in range(times)])
    return spliced(*shots)


def old_film(rng: Rng) -> Film:
    """Black and white, with grain, and with light that flickers from frame to frame."""
    film = spliced(*(shot(rng, length) for length in _lengths(rng)))
    pictures = []
    for picture in film.pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) * rng.normal(1, 0.06)
        grey += rng.normal(0, 6, grey.shape)
        pictures.append(cv2.cvtColor(grey.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))
    return Film([np.asarray(picture, np.uint8) for picture in pictures], film.transitions)


def fast_pans(rng: Rng) -> Film:
    """Cuts while the camera turns by a tenth of the picture a frame, its shutter half open."""
    shots = []
    for length in _lengths(rng):
        scene = scenery(rng, width_px=WIDTH_PX + 34 * (length + 2) * 2)
        speed_px = float(rng.choice([-34, 34]))
        fine = filmed(rng, scene, 4 * length, Camera(across_px=speed_px / 4))
        shutters = (fine[at : at + 3] for at in range(0, len(fine), 4))
        shots.append([np.mean(open_for, axis=0).astype(np.uint8) for open_for in shutters])
    still = shot(rng, 20)
    return spliced(*shots[:2], still, *shots[2:])


def light_in_jumps(rng: Rng) -> Film:
    """Light that changes by half within a frame or two, in the middle of each shot."""
    pictures = []
    film = spliced(*(shot(rng, length) for length in _lengths(rng)))
    for start, end in pairwise([0, *film.cuts, len(film.pictures)]):
        middle = (start + end) // 2
        for at, picture in enumerate(film.pictures[start:end], start):
            level = 1.0 if at < middle else 0.75 if at == middle else 0.5
            pictures.append(np.asarray(picture * level, np.uint8))
    return Film(pictures, film.transitions)


HARD_FILMS: dict[str, MakeFilm] = {
    make.__name__.replace("_", "-"): make
    for make in (
        letterbox,
        pillarbox,
        bars_change_at_cuts,
        bars_slide_in,
        watermark,
        large_logo,
        lower_thirds,
        still_half,
        split_screen,
        split_screen_with_a_still,
        text_cards,
        cards_and_dark_shots,
        rolling_credits,
        talk_with_slides,
        talk_with_bullets,
        dark_mirrored,
        dark_shuffled,
        montage,
        montage_of_stills,
        animated_on_twos,
        animated_on_threes,
        animated_on_fours,
        animated_unevenly,
        old_film,
        fast_pans,
        light_in_jumps,
    )
}


def _overlay() -> tuple[Picture, Floats]:
    white = np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)
    return white, np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)


def _beside(left: Picture, right: Picture) -> Picture:
    return np.concatenate([left[:, : WIDTH_PX // 2], right[:, : WIDTH_PX // 2]], axis=1)


def _talk(rng: Rng, slides: Sequence[Sequence[Picture]]) -> Film:
    film = spliced(*slides)
    skin, coat = (tuple(float(value) for value in rng.uniform(30, 220, 3)) for _ in range(2))
    at = np.array([WIDTH_PX - 34.0, HEIGHT_PX - 44.0])
    place = at.copy()
    pictures = []
    for picture in film.pictures:
        place = place + rng.normal(0, 0.8, 2) + 0.1 * (at - place)
        x, y = (round(float(value)) for value in place)
        with_speaker = picture.copy()
        cv2.rectangle(with_speaker, (WIDTH_PX - 70, HEIGHT_PX - 76), SIZE_PX, (70, 60, 50), -1)
        cv2.ellipse(with_speaker, (x, y + 44), (28, 34), 0, 0, 360, coat, -1)
        cv2.circle(with_speaker, (x, y), 13, skin, -1)
        pictures.append(with_speaker)
    return Film(pictures, film.transitions)
