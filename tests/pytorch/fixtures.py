"""Writes the numbers that `cargo test --test pytorch` compares the chapters with.

    pip install torch==2.11.0 safetensors numpy
    python tests/pytorch/fixtures.py

Every network, loss and step stands in the chapter's file here in plain PyTorch, in the order of its Rust source, and
under the same names. A further chapter adds its file and a line below. On one machine the files come out the same to the
bit; on another the last digits may differ.
"""

import cgan
import dcgan
import wgan_gp

dcgan.fixture()
wgan_gp.fixture()
cgan.fixture()
