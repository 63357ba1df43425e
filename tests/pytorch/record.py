"""What the chapters' fixtures have in common: random numbers that are drawn once and handed out again, and files.

A fixture is a folder of safetensors files:

    NETWORK.safetensors     a network's state dict, as PyTorch names it
    inputs.safetensors      images, noise, labels, and all that is drawn at random, in f32 or smaller, for f32 and f64 alike
    f32.safetensors         what PyTorch makes of them in f32
    f64.safetensors         and in f64

The random numbers are in the files, and not a seed, since PyTorch's normal numbers depend on the vector instructions of the
processor and its dropout masks on the processor's maker.
"""

from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

# On more threads, sums are added up in another order and come out with other last digits.
torch.set_num_threads(1)

ROOT = Path(__file__).parents[2]
KINDS = {"f32": torch.float32, "f64": torch.float64}


class Drawn:
    """Random numbers under a name. The first time they are asked for they are drawn, later they are the same again."""

    current = None

    def __init__(self):
        self.tensors = []
        self.position = 0

    @contextmanager
    def given(self, kind):
        """Within it, `normal`, `uniform` and `Dropout` take their numbers from here, from the first on."""
        Drawn.current, self.position, self.kind = self, 0, kind
        yield
        Drawn.current = None
        assert self.position == len(self.tensors), "fewer numbers asked for than the first time"

    def next(self, draw):
        if self.position == len(self.tensors):
            self.tensors.append(draw())
        self.position += 1
        return self.tensors[self.position - 1].to(self.kind)


def normal(*shape):
    return Drawn.current.next(lambda: torch.randn(shape))


def uniform(*shape):
    return Drawn.current.next(lambda: torch.rand(shape))


class Dropout(nn.Module):
    """`nn.Dropout`, with a mask that is written down."""

    def __init__(self, share):
        super().__init__()
        self.share = share

    def forward(self, x):
        if not self.training or self.share == 0:
            return x
        mask = Drawn.current.next(lambda: torch.rand(x.shape) >= self.share)
        return x * mask / (1 - self.share)


def noise(*shape):
    """Multiples of 1/128 between -1 and 1, kept as bytes: the same numbers in every precision."""
    return torch.randint(-128, 128, shape, dtype=torch.int8)


def pixels(*shape):
    """Images of coarse blocks under fine noise, kept in the same way."""
    *batch, height, width = shape
    blocks = torch.randint(-96, 97, (*batch, height // 16, width // 16)).repeat_interleave(16, -2).repeat_interleave(16, -1)
    return (blocks + torch.randint(-32, 32, shape)).to(torch.int8)


def from_bytes(t, kind):
    return t.to(kind) / 128


def leaf(t, kind):
    """A copy to take gradients by."""
    return t.detach().to(kind, copy=True).requires_grad_()


def unlike_new(network, scale=1.0):
    """Moves normalisations away from scale 1, shift 0 and statistics 0 and 1, and scales the other weights."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
                module.running_mean.normal_(0, 0.5)
                module.running_var.uniform_(0.5, 2)
            elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.weight.mul_(scale)


def running(network):
    """The running statistics of a network's normalisations."""
    return {name: t for name, t in network.named_buffers() if not name.endswith("num_batches_tracked")}


def gradients(network):
    """The gradients by a network's parameters; 0 where a loss does not depend on one."""
    by = {name: p.grad if p.grad is not None else torch.zeros_like(p) for name, p in network.named_parameters()}
    return {f"gradient/{name}": gradient for name, gradient in by.items()}


def trained(network, adam):
    """A network after some updates: state dict and moments."""
    found = dict(network.state_dict())
    for name, parameter in network.named_parameters():
        state = adam.state[parameter]
        found |= {f"{name}/mean": state["exp_avg"], f"{name}/variance": state["exp_avg_sq"]}
    return found


class Fixture:
    """Collects the tensors of a chapter's fixture and writes its files."""

    def __init__(self, crate):
        self.folder = ROOT / "chapters" / crate / "tests" / "pytorch"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.inputs = {}
        self.results = {name: {} for name in KINDS}

    def weights(self, name, network):
        save_file(network.state_dict(), self.folder / f"{name}.safetensors")

    def drawn(self, name, drawn):
        for number, tensor in enumerate(drawn.tensors):
            self.inputs[f"{name}/drawn/{number:03}"] = tensor.to(torch.uint8) if tensor.dtype == torch.bool else tensor

    def result(self, kind, prefix, tensors):
        for name, tensor in tensors.items():
            assert tensor.dtype in (kind, torch.int64), f"{prefix}/{name} is {tensor.dtype}"
            label = next(name for name in KINDS if KINDS[name] == kind)
            self.results[label][f"{prefix}/{name}"] = tensor.detach().clone().contiguous()

    def write(self):
        # A comparison in f32 means something where PyTorch itself gets nearly the same in f32 as in f64. A difference of two
        # almost equal numbers, for one, does not: another seed then.
        for name, exact in self.results["f64"].items():
            off = (self.results["f32"][name].double() - exact.double()).norm() / exact.double().norm()
            assert not off > 2e-6, f"{name}: f32 is off by {off:.1e}"
        save_file(self.inputs, self.folder / "inputs.safetensors")
        for label, results in self.results.items():
            save_file(results, self.folder / f"{label}.safetensors")
        files = sorted(self.folder.glob("*.safetensors"))
        total = sum(file.stat().st_size for file in files)
        print(f"{self.folder.relative_to(ROOT)}: {len(files)} files, {len(self.results['f32'])} results, {total:,} bytes")
