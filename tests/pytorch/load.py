"""Reads the weights of a run in PyTorch, by safetensors alone, and draws the run's last sheet of samples with them.

    cargo run -p ch4-wgan-gp -- --steps 20 --out /tmp/run
    python tests/pytorch/load.py /tmp/run                   (needs torch 2.11.0, safetensors, numpy and Pillow)

It fails if a network's file does not fit strictly, if PyTorch would save another file, or if a pixel differs by more
than one level. The sheet's z is drawn anew here, so this holds on the machine on which the run was made.
"""

import json
import sys
from itertools import product
from pathlib import Path

import cgan
import dcgan
import numpy as np
import torch
import wgan_gp
from PIL import Image
from safetensors.torch import load_file, save

NETWORKS = {
    "ch4-dcgan": {
        "generator": lambda s, channels: dcgan.Generator(s["z_dim"], s["widths"], channels),
        "discriminator": lambda s, channels: dcgan.Discriminator(s["widths"], channels, s["dropout"]),
    },
    "ch4-wgan-gp": {
        "generator": lambda s, channels: wgan_gp.Generator(s["z_dim"], s["widths"], channels),
        "critic": lambda s, channels: wgan_gp.Critic(s["widths"], channels, s["dropout"]),
    },
    "ch4-cgan": {
        "generator": lambda s, channels: cgan.Generator(s["z_dim"], len(s["labels"]), s["widths"], channels),
        "critic": lambda s, channels: cgan.Critic(len(s["labels"]), s["widths"], channels, s["dropout"]),
    },
}


def mix(x):
    """SplitMix64's finaliser, as in chapters/toolkit/src/noise.rs."""
    mask = 2**64 - 1
    x = (x + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def fixed_z(z_dim):
    """The z of every sheet that training saves."""
    torch.manual_seed(mix(mix(2**64 - 1)) >> 1)
    return torch.randn(64, z_dim, 1, 1)


def sheet_inputs(settings):
    """What the 64 images of a sheet are made of: z, and where there are labels, eight z under each combination of them."""
    z = fixed_z(settings["z_dim"])
    if "labels" not in settings:
        return [z]
    combinations = torch.tensor(list(product([0.0, 1.0], repeat=len(settings["labels"]))))
    rows = z[: 64 // len(combinations)].split(8)
    all_z = torch.cat([row for row in rows for _ in combinations])
    answers = torch.cat([answers.expand(len(row), -1) for row in rows for answers in combinations])
    return [all_z, cgan.one_hot(answers)]


def tiles(path, side=64, gap=2):
    """The 64 images of a sheet, eight to a row."""
    page = np.asarray(Image.open(path).convert("RGB")).astype(int)
    starts = [gap + i * (side + gap) for i in range(8)]
    return np.stack([page[y : y + side, x : x + side] for y in starts for x in starts])


def check(run):
    config = json.loads((run / "config.json").read_text())
    settings, channels = config["settings"], config["channels"]
    networks = {}
    for name, build in NETWORKS[config["program"]].items():
        file = run / "checkpoint" / f"{name}.safetensors"
        network = build(settings, channels)
        network.load_state_dict(load_file(file), strict=True)
        assert save(network.state_dict()) == file.read_bytes(), f"PyTorch would save another {file}"
        print(f"{file}: {len(network.state_dict())} tensors, loaded strictly; PyTorch saves the same bytes")
        networks[name] = network.eval()

    sheet = sorted((run / "samples").glob("*.png"))[-1]
    with torch.no_grad():
        images = networks["generator"](*sheet_inputs(settings))
    ours = ((images + 1) * 127.5).round().clamp(0, 255).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).int().numpy()
    off = np.abs(ours - tiles(sheet))
    print(f"{sheet}: {np.count_nonzero(off)} of {off.size} values differ, by at most {off.max()}")
    assert off.max() <= 1


for folder in sys.argv[1:]:
    check(Path(folder))
