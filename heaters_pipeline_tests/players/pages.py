"""Pages with players, each with the film and the WebVTT of its storyboard."""

from dataclasses import dataclass

FOLDER = "/players/"
"""Where the packages of npm are served."""


@dataclass(frozen=True, slots=True)
class Player:
    """How a page shows a player.

    Attributes:
        html: The page's body.
        bar: A CSS selector of the element along which the pointer is moved.
        thumbnail: One of the element that then shows a tile.
        inset_px: How far inside that element its scale begins and ends.
    """

    html: str
    bar: str
    thumbnail: str
    inset_px: int = 0


def page_of(player: Player, video: str, vtt: str) -> str:
    """The page as a browser gets it."""
    body = player.html.replace("VIDEO", video).replace("VTT", vtt).replace("PLAYERS/", FOLDER)
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><body>{body}</body>"


_STYLE = """body { margin: 100px; background: #222 } .player { width: 1200px; height: 675px }"""

_SHAKA = """<link rel=stylesheet href="PLAYERS/shaka-player/dist/controls.css">
<script src="PLAYERS/shaka-player/dist/shaka-player.ui.js"></script>
<div class=player id=box><video id=video muted style="width: 100%; height: 100%"></video>
</div>
<script type=module>
  const video = document.getElementById("video");
  const player = new shaka.Player();
  new shaka.ui.Overlay(player, document.getElementById("box"), video);
  await player.attach(video);
  LOAD
</script>"""

PLAYERS = {
    "media-chrome": Player(
        """<script src="PLAYERS/media-chrome/dist/iife/all.js"></script>
        <media-controller class=player>
          <video slot=media src="VIDEO" muted preload=auto>
            <track label=thumbnails default kind=metadata src="VTT">
          </video>
          <media-control-bar><media-time-range></media-time-range></media-control-bar>
        </media-controller>""",
        "media-time-range #appearance",
        "media-time-range media-preview-thumbnail",
    ),
    "shaka": Player(
        _SHAKA.replace(
            "LOAD",
            """await player.load("VIDEO", null, "video/mp4");
            // Relative addresses are refused.
            await player.addThumbnailsTrack(new URL("VTT", location).href, "text/vtt");""",
        ),
        ".shaka-seek-bar",
        ".shaka-player-ui-thumbnail-image-container",
        inset_px=6,
    ),
    "shaka-hls": Player(
        _SHAKA.replace("LOAD", 'await player.load(new URL("../film/main.m3u8", location).href);'),
        ".shaka-seek-bar",
        ".shaka-player-ui-thumbnail-image-container",
        inset_px=6,
    ),
    "plyr": Player(
        """<link rel=stylesheet href="PLAYERS/plyr/dist/plyr.css">
        <script src="PLAYERS/plyr/dist/plyr.js"></script>
        <div class=player><video src="VIDEO" muted preload=auto></video></div>
        <script>
          new Plyr("video", {
            iconUrl: "PLAYERS/plyr/dist/plyr.svg",
            previewThumbnails: {enabled: true, src: "VTT"},
          });
        </script>""",
        ".plyr__progress",
        ".plyr__preview-thumb .plyr__preview-thumb__image-container",
    ),
    "vidstack": Player(
        """<link rel=stylesheet href="PLAYERS/vidstack/player/styles/default/sliders.css">
        <link rel=stylesheet href="PLAYERS/vidstack/player/styles/default/thumbnail.css">
        <script type=importmap>
          {"imports": {
            "@floating-ui/dom": "PLAYERS/@floating-ui/dom/dist/floating-ui.dom.browser.mjs",
            "@floating-ui/core": "PLAYERS/@floating-ui/core/dist/floating-ui.core.browser.mjs",
            "@floating-ui/utils": "PLAYERS/@floating-ui/utils/dist/floating-ui.utils.mjs",
            "@floating-ui/utils/dom": "PLAYERS/@floating-ui/utils/dist/floating-ui.utils.dom.mjs",
            "fscreen": "PLAYERS/fscreen/dist/fscreen.esm.js",
            "lit-html": "PLAYERS/lit-html/lit-html.js",
            "lit-html/": "PLAYERS/lit-html/",
            "media-captions": "PLAYERS/media-captions/dist/prod.js"
          }}
        </script>
        <script type=module src="PLAYERS/vidstack/prod/define/vidstack-player.js"></script>
        <script type=module src="PLAYERS/vidstack/prod/define/vidstack-player-ui.js"></script>
        <style>
          media-player { display: block }
          media-provider, video { display: block; width: 100%; height: 640px }
        </style>
        <media-player class=player src="VIDEO" muted load=eager preload=auto>
          <media-provider></media-provider>
          <media-time-slider class="vds-time-slider vds-slider">
            <media-slider-preview class=vds-slider-preview>
              <media-slider-thumbnail class=vds-thumbnail></media-slider-thumbnail>
            </media-slider-preview>
          </media-time-slider>
        </media-player>
        <script>
          // Addresses in the file are taken for relative to the page, unless its own is absolute.
          document.querySelector("media-slider-thumbnail").src = new URL("VTT", location).href;
        </script>""",
        "media-time-slider",
        "media-time-slider media-slider-thumbnail",
    ),
    "video.js": Player(
        """<link rel=stylesheet href="PLAYERS/video.js/dist/video-js.css">
        <link rel=stylesheet
          href="PLAYERS/videojs-vtt-thumbnails/dist/videojs-vtt-thumbnails.css">
        <script src="PLAYERS/video.js/dist/video.js"></script>
        <script src="PLAYERS/videojs-vtt-thumbnails/dist/videojs-vtt-thumbnails.js"></script>
        <video class="video-js player" controls muted autoplay src="VIDEO"></video>
        <script>
          const player = videojs(document.querySelector("video"));
          player.vttThumbnails({src: "VTT"});
          // It shows no seek bar before it has played.
          player.one("playing", () => player.pause());
        </script>""",
        ".vjs-progress-control",
        ".vjs-vtt-thumbnail-display",
    ),
}
