"""Claims of the source chapter that are about Python: why they are false, and what is true. book/errata.md lists them all.

    python tests/errata.py            all of them
    python tests/errata.py 17 21      some

Needs torch 2.11.0 and torchvision 0.26.0. Each function is one erratum; it prints what it found, and fails if it is
not what the page says.
"""

import inspect
import math
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


def erratum_03_dropout_in_eval_mode():
    """`F.dropout` does not know in which mode its module is: `training` is True unless one says otherwise."""

    class Ported(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.3)

    class Right(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.3, self.training)

    ones = torch.ones(100_000)
    ported, right = (1 - module.eval()(ones).count_nonzero().item() / len(ones) for module in (Ported(), Right()))
    print(f"zeros in eval mode: {ported:.1%} as ported, {right:.1%} with training=self.training")
    assert abs(ported - 0.3) < 0.01 and right == 0


def erratum_06_initialisation():
    """What PyTorch starts a 4 x 4 convolution from 64 to 128 channels from, and what Keras does: Glorot & Bengio's."""
    layer = nn.Conv2d(64, 128, 4)
    default = layer.weight.std().item()
    glorot = nn.init.xavier_uniform_(layer.weight).std().item()
    print(f"standard deviation: {default:.4f} by PyTorch's default, {glorot:.4f} by Keras'")
    assert abs(default - 0.0180) < 2e-4 and abs(glorot - 0.0255) < 2e-4


def erratum_07_adam():
    """PyTorch's epsilon is 1e-8. And the optimisers that the port's model makes for itself, besides those that train it,
    would have had a step size of 1e-3, had anything used them."""
    defaults = {name: p.default for name, p in inspect.signature(torch.optim.Adam).parameters.items()}
    print(f"torch.optim.Adam: lr {defaults['lr']}, eps {defaults['eps']}")
    assert defaults["lr"] == 1e-3 and defaults["eps"] == 1e-8

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.critic = nn.Linear(2, 1)
            self.c_optimizer = torch.optim.Adam(self.critic.parameters())

    model = Model()
    trainer = torch.optim.Adam(model.critic.parameters(), lr=2e-4)
    model.critic(torch.ones(1, 2)).sum().backward()
    trainer.step()
    held = len(trainer.state), len(model.c_optimizer.state)
    print(f"tensors with moments: {held[0]} in the optimiser that is called, {held[1]} in the model's own")
    assert held == (2, 0)


def erratum_09_labels_above_1():
    """`BCELoss` refuses a label above 1; `BCEWithLogitsLoss`, on which the advice is given, does not."""
    label = torch.tensor([1.05])
    try:
        nn.BCELoss()(torch.tensor([0.5]), label)
        raise AssertionError("BCELoss took a label of 1.05")
    except RuntimeError as error:
        print(f"BCELoss: {error}")
    loss = nn.BCEWithLogitsLoss()(torch.tensor([50.0]), label).item()
    print(f"BCEWithLogitsLoss: {loss:.4f}")
    assert abs(loss + 2.5) < 1e-5


def erratum_17_device():
    """A module has no attribute `device` but what one gives it."""

    class Wgan(nn.Module):
        def __init__(self, critic):
            super().__init__()
            self.critic = critic

        def gradient_penalty(self, batch):
            return torch.rand((batch, 1, 1, 1)).to(self.device)

    try:
        Wgan(nn.Linear(2, 1)).gradient_penalty(4)
        raise AssertionError("there is a device")
    except AttributeError as error:
        print(f"AttributeError: {error}")
        assert "device" in str(error)


def erratum_20_steps_per_epoch():
    """Keras' `fit` with `steps_per_epoch` takes one iterator through all epochs, and stops where the data end. So an
    "epoch" of two steps is quickly over, and 600 of them are not 1,200 updates either."""

    def fit(batches, epochs, steps_per_epoch):
        data, updates = iter(range(batches)), 0
        for _ in range(epochs):
            for _ in range(steps_per_epoch):
                if next(data, None) is None:
                    return updates
                updates += 1
        return updates

    bricks, celeba = 40_000, 202_599
    wgan_gp, cgan = math.ceil(celeba / 512), math.ceil(celeba / 128)
    runs = {
        "WGAN-GP on bricks, 200 epochs": (fit(math.ceil(bricks / 512), 200, 2), 79),
        "WGAN-GP on bricks in batches of 128, 200 epochs": (fit(math.ceil(bricks / 128), 200, 2), 313),
        "WGAN-GP, 600 epochs": (fit(wgan_gp, 600, 2), 396),
        "CGAN, 2000 epochs": (fit(cgan, 2000, 1), 1583),
        "WGAN-GP, 600 epochs, with repeat()": (fit(10**9, 600, 2), 1200),
        "WGAN-GP, 600 epochs of all images": (600 * wgan_gp, 237_600),
    }
    for name, (updates, expected) in runs.items():
        print(f"{name}: {updates:,} generator updates")
        assert updates == expected


def erratum_21_one_name_for_two_loops():
    """After an inner loop over `i` the outer `i` is the inner one's last."""
    seen = []
    for i in range(100):
        for i in range(3):
            pass
        seen.append(i)
    print(f"i at the end of 100 steps: {set(seen)}; i % 50 == 0 in {sum(i % 50 == 0 for i in seen)} of them")
    assert set(seen) == {2}


def erratum_28_one_hot_planes():
    """What the source leaves out of the CGAN: how the label gets in. With two more planes for the critic and two more
    numbers for the generator the networks have the original's sizes, and only so. And `.cuda()` in `__getitem__` runs
    in the workers."""

    def critic(planes):
        widths = [planes, 64, 128, 128, 128]
        pairs = zip(widths, widths[1:])
        return nn.Sequential(*(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairs), nn.Conv2d(128, 1, 4))

    def generator(length):
        widths = [length, 128, 128, 128, 64]
        pairs = list(zip(widths, widths[1:]))
        blocks = [m for a, b in pairs for m in (nn.ConvTranspose2d(a, b, 4, bias=False), nn.BatchNorm2d(b))]
        return nn.Sequential(*blocks, nn.ConvTranspose2d(64, 3, 4))

    def size(network):
        return sum(p.numel() for p in network.parameters())

    print(f"critic: {size(critic(3 + 2)):,} parameters; generator: {size(generator(32 + 2)):,}")
    assert size(critic(5)) == 662_977 and size(generator(34)) == 728_963
    assert size(critic(3)) != 662_977 and size(generator(32)) != 728_963

    label = torch.tensor([0, 1])
    one_hot = F.one_hot(label, 2).float()
    planes = one_hot[:, :, None, None].expand(-1, -1, 64, 64)
    joined = torch.cat([torch.zeros(2, 3, 64, 64), planes], 1)
    assert joined.shape == (2, 5, 64, 64) and joined[1, 4].min() == 1 and joined[1, 3].max() == 0

    class OnGpu(torch.utils.data.Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return torch.tensor(index).cuda()

    if not torch.cuda.is_available():
        print("no GPU here: that a forked worker cannot use CUDA is cited in book/errata.md, not shown")
        return
    torch.zeros(1).cuda()
    try:
        list(torch.utils.data.DataLoader(OnGpu(), num_workers=1))
        raise AssertionError("a forked worker used CUDA")
    except RuntimeError as error:
        print(f"with a worker: {str(error).strip().splitlines()[-1]}")


def erratum_29_image_folder():
    """`ImageFolder` wants a folder for each class, and the brick set is often one folder of images."""
    from PIL import Image
    from torchvision.datasets import ImageFolder

    with tempfile.TemporaryDirectory() as folder:
        Image.new("L", (8, 8)).save(Path(folder) / "brick.png")
        try:
            ImageFolder(folder)
            raise AssertionError("a flat folder was read")
        except FileNotFoundError as error:
            print(f"flat: {str(error).replace(folder, 'FOLDER')}")
        (Path(folder) / "class").mkdir()
        (Path(folder) / "brick.png").rename(Path(folder) / "class" / "brick.png")
        print(f"one folder a class: {len(ImageFolder(folder))} image")


def erratum_31_how_long_they_trained():
    """The runs that the source compares are a twelfth of the book's, and 1/237 for the faces."""
    bricks, batch = 40_000, 128
    per_epoch = math.ceil(bricks / batch)
    source, book = 25 * per_epoch, 300 * per_epoch
    print(f"bricks: {source:,} generator steps of {book:,}; faces: 396")
    assert (source, book) == (7_825, 93_900) and source * 12 == book
    assert book // 396 == 237


def erratum_33_display():
    """How `display` scales a batch, and what that does to the same image in two batches."""

    def scaled(batch):
        if batch.max() > 1:
            return batch / 255
        return (batch + 1) / 2 if batch.min() < 0 else batch

    image = torch.tensor([[0.0, 0.5, 1.0]])
    alone, beside_a_darker_one = scaled(image)[0], scaled(torch.cat([image, image - 1]))[0]
    print(f"{image[0].tolist()} is shown as {alone.tolist()}, or as {beside_a_darker_one.tolist()} beside a darker image")
    assert alone.tolist() == [0, 0.5, 1] and beside_a_darker_one.tolist() == [0.5, 0.75, 1]

    def shown(images, n=10):
        return [images[i] for i in range(n)]

    blond = torch.zeros(4, 3)
    try:
        shown(blond)
        raise AssertionError("ten of four images were shown")
    except IndexError as error:
        print(f"IndexError: {error}")
    fewer = sum(math.comb(32, k) * 0.148**k * 0.852 ** (32 - k) for k in range(10))
    print(f"a batch of 32 has fewer than ten blond faces {fewer:.0%} of the time")
    assert fewer > 0.95


def erratum_35_listings_that_do_not_run():
    """The lines of the note that no Python runs, cut down to what stops them."""
    for module, name in [(nn, "BCEloss"), (torch, "rabd")]:
        print(f"{module.__name__} has no {name}")
        assert not hasattr(module, name)
    listings = {
        "spaces, then tabs, as in the port's penalty": "def gp(a):\n    b = a\n\t\treturn b",
        "spaces, then tabs, as in the CGAN's class": "class Gan:\n    def f(self):\n        'text'\n\t\t\t\t...",
        "bold type, as in the Keras step": "def step(d, x):\n    **real = d(x)**",
    }
    for what, listing in listings.items():
        try:
            compile(listing, "listing", "exec")
            raise AssertionError(f"{what} compiled")
        except SyntaxError as error:
            print(f"{what}: {type(error).__name__}: {error.msg}")


def erratum_36_an_axis_too_many():
    """Noise of shape [1, batch, 100] is what `view` makes of it; a transposed convolution alone would refuse it."""
    noise = torch.randn((1, 5, 100))
    seen = noise.view(-1, 100, 1, 1)
    print(f"{list(noise.shape)} is seen as {list(seen.shape)}")
    assert seen.shape == (5, 100, 1, 1) and torch.equal(seen[:, :, 0, 0], noise[0])
    try:
        nn.ConvTranspose2d(100, 8, 4)(noise)
        raise AssertionError("the layer took it without the view")
    except RuntimeError as error:
        print(f"without the view: {str(error).splitlines()[0]}")


def erratum_37_torchvision_has_celeba():
    """torchvision has a class for CelebA that gives the attributes, without being asked for them."""
    from torchvision.datasets import CelebA

    signature = inspect.signature(CelebA)
    print(f"CelebA{signature}")
    assert signature.parameters["target_type"].default == "attr"


if __name__ == "__main__":
    errata = {int(name.split("_")[1]): f for name, f in list(globals().items()) if name.startswith("erratum_")}
    for number in map(int, sys.argv[1:] or errata):
        print(f"\n{number}. {' '.join(errata[number].__doc__.split())}")
        errata[number]()
