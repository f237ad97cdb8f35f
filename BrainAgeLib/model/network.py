"""The slice-set network: any number of slices with their places, one distribution over ages.

Each slice goes through one shared 2D encoder, together with what the template shows at the same
place and with coordinates, so that the encoder knows where it looks. Slices then exchange what
they found (one transformer layer) and are pooled by attention. The output is a probability for
each age bin; its mean is the predicted age (soft labels: Peng et al. 2021, doi
10.1016/j.media.2020.101871).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_WIDTH, heights_mm

INPUT_CHANNELS = 5  # image, template, height, x, y
HEIGHT_SCALE_MM = 60.0
LAYOUT_CHANNELS = 24


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of a network. ``widths``: channels of the encoder's stages. Ages are in years."""

    widths: tuple[int, ...] = (16, 48, 96, 144)
    heads: int = 4
    dropout: float = 0.2
    youngest_bin: float = 6.0
    oldest_bin: float = 102.0
    bins: int = 49

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a card."""
        return asdict(self) | {"widths": list(self.widths)}


class SliceSetNetwork(nn.Module):
    """See the module's text.

    Ages outside those seen in training can come out; only the outermost bins limit them.
    """

    bin_ages_years: torch.Tensor
    coordinates: torch.Tensor

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        super().__init__()
        self.settings = settings = settings or NetworkSettings()
        width = settings.widths[-1]
        self.encoder = _encoder(settings.widths)
        self.place = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, width))
        # The brain is registered, so where in the slice a feature lies means something: a few
        # channels keep their layout beside the averages and maxima of all.
        self.layout = nn.Conv2d(width, LAYOUT_CHANNELS, 1)
        halved = 2 ** len(settings.widths)
        places = math.ceil(GRID_HEIGHT / halved) * math.ceil(GRID_WIDTH / halved)
        gathered = 2 * width + LAYOUT_CHANNELS * places
        self.token = nn.Sequential(nn.LayerNorm(gathered), nn.Linear(gathered, width))
        self.slice_head = nn.Linear(width, settings.bins)
        self.exchange = nn.TransformerEncoderLayer(
            width,
            settings.heads,
            2 * width,
            settings.dropout,
            "gelu",
            batch_first=True,
            norm_first=True,
        )
        self.importance = nn.Linear(width, settings.heads)
        self.head = nn.Sequential(
            nn.LayerNorm(settings.heads * width),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.heads * width, settings.bins),
        )
        bins = torch.linspace(settings.youngest_bin, settings.oldest_bin, settings.bins)
        self.register_buffer("bin_ages_years", bins)
        x = torch.linspace(-1, 1, GRID_WIDTH).expand(GRID_HEIGHT, -1)
        y = torch.linspace(-1, 1, GRID_HEIGHT)[:, None].expand(-1, GRID_WIDTH)
        self.register_buffer("coordinates", torch.stack([x, y]), persistent=False)

    def forward(
        self,
        images: torch.Tensor,
        template: torch.Tensor,
        planes: torch.Tensor,
        present: torch.Tensor,
    ) -> torch.Tensor:
        """Return log probabilities (scan, bin).

        ``images``, ``template``: (scan, slice, y, x). ``planes``: (scan, slice, 3).
        ``present``: (scan, slice), True for a slice, False for padding.
        """
        return self.pool(self.encode(images, template, planes), present)

    def encode(
        self, images: torch.Tensor, template: torch.Tensor, planes: torch.Tensor
    ) -> torch.Tensor:
        """Return one token (scan, slice, width) for each slice, which knows of no other slice.

        Shapes as for :meth:`forward`.
        """
        scans, count = planes.shape[:2]
        features = self.encoder(self._channels(images, template, planes))
        layout = self.layout(features).flatten(1)
        gathered = torch.cat([features.mean((2, 3)), features.amax((2, 3)), layout], 1)
        scale = planes.new_tensor([1 / HEIGHT_SCALE_MM, 2.0, 2.0])
        tokens: torch.Tensor = self.token(gathered).reshape(scans, count, -1)
        return tokens + self.place(planes * scale)

    def pool(self, tokens: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """Return log probabilities (scan, bin) for the tokens (scan, slice, width) of a scan.

        ``present``: (scan, slice), True for a slice, False for padding.
        """
        tokens = self.exchange(tokens, src_key_padding_mask=~present)
        scores = self.importance(tokens).masked_fill(~present[..., None], float("-inf"))
        shares = torch.softmax(scores.float(), 1).to(tokens.dtype)
        summary = torch.einsum("sch,scw->shw", shares, tokens).flatten(1)
        return torch.log_softmax(self.head(summary).float(), 1)

    def judge_slices(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return log probabilities (scan, slice, bin) of each slice alone; for training only."""
        return torch.log_softmax(self.slice_head(tokens).float(), -1)

    def _channels(
        self, images: torch.Tensor, template: torch.Tensor, planes: torch.Tensor
    ) -> torch.Tensor:
        heights = (heights_mm(planes) / HEIGHT_SCALE_MM).to(images.dtype)
        channels = torch.stack([images, template, heights], 2).flatten(0, 1)
        coordinates = self.coordinates.to(images.dtype).expand(len(channels), -1, -1, -1)
        return torch.cat([channels, coordinates], 1)

    def age_years(self, log_probabilities: torch.Tensor) -> torch.Tensor:
        """Return the mean of the predicted distribution, (scan,)."""
        return (log_probabilities.exp() * self.bin_ages_years).sum(-1)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.silu(x + self.body(x))


def _encoder(widths: tuple[int, ...]) -> nn.Sequential:
    """Return the shared 2D encoder: each stage halves the resolution."""
    layers: list[nn.Module] = []
    before = INPUT_CHANNELS
    for stage, width in enumerate(widths):
        kernel = 5 if stage == 0 else 3
        layers += [
            nn.Conv2d(before, width, kernel, stride=2, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
        ]
        if stage > 0:
            layers.append(_Residual(width))
        before = width
    return nn.Sequential(*layers)
