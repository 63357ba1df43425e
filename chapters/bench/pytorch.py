"""The training steps of the chapter in PyTorch, on request; src/main.rs says how one asks.

    python pytorch.py dcgan|wgan-gp|cgan --variant source|best [--channels N] [--batch-size N] [--precision f32|bf16]
    python pytorch.py read FOLDER [--channels N]

"source" is how the chapter that this book retells writes them in PyTorch: networks and images as they come, everything computed
anew for each update, nothing kept out of a graph. "best" is the same maths with all that plain PyTorch offers for speed: channels
last, one Adam kernel for all parameters, fakes made once and without a graph where none is needed, real images and fakes in one
pass where no batch norm would mix them, the discriminator frozen while the generator learns, and bf16 by autocast if asked for.
torch.compile is left out.
"""

import argparse
import contextlib
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Discriminator(nn.Module):
    """DCGAN's: batch norm, and a probability at the end. A critic has neither."""

    def __init__(self, channels, widths, critic):
        super().__init__()
        ins = [channels, *widths]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1, bias=critic) for i, o in zip(ins, widths))
        norms = [nn.Identity() if critic or i == 0 else nn.BatchNorm2d(w) for i, w in enumerate(widths)]
        self.norms = nn.ModuleList(norms)
        self.last = nn.Conv2d(widths[-1], 1, 4, bias=critic)
        self.critic = critic

    def forward(self, x):
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = F.leaky_relu(norm(conv(x)), 0.2)
            if i > 0 or not self.critic:
                x = F.dropout(x, 0.3)
        x = self.last(x).flatten()
        return x if self.critic else torch.sigmoid(x)


class Generator(nn.Module):
    def __init__(self, inputs, widths, channels, bias):
        super().__init__()
        layers = []
        for i, (ins, outs) in enumerate(zip([inputs, *widths], widths)):
            stride, padding = (2, 1) if i else (1, 0)
            layers += [nn.ConvTranspose2d(ins, outs, 4, stride, padding, bias=False), nn.BatchNorm2d(outs), nn.LeakyReLU(0.2)]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=bias), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z):
        return self.layers(z[:, :, None, None])


class Trainer:
    """Two networks with their optimisers, and one training step."""

    def __init__(self, discriminator, generator, rate, betas, args):
        self.best, self.batch = args.variant == "best", args.batch_size
        self.bf16 = args.precision == "bf16"
        self.d, self.g = discriminator.to(DEVICE), generator.to(DEVICE)
        if self.best:
            self.d, self.g = (net.to(memory_format=torch.channels_last) for net in (self.d, self.g))
        self.adams = [torch.optim.Adam(net.parameters(), rate, betas, fused=self.best) for net in (self.d, self.g)]
        images = torch.rand(self.batch, args.channels, 64, 64, device=DEVICE) * 2 - 1
        self.real = images.contiguous(memory_format=torch.channels_last) if self.best else images

    def precision(self):
        return torch.autocast(DEVICE, torch.bfloat16) if self.bf16 else contextlib.nullcontext()

    def update(self, adam, loss):
        adam.zero_grad()
        loss.backward()
        adam.step()

    @contextlib.contextmanager
    def frozen(self):
        self.d.requires_grad_(not self.best)
        yield
        self.d.requires_grad_(True)


class Dcgan(Trainer):
    def __init__(self, args):
        d = Discriminator(args.channels, [64, 128, 256, 512], critic=False)
        g = Generator(100, [512, 256, 128, 64], args.channels, bias=False)
        super().__init__(d, g, 2e-4, (0.5, 0.999), args)

    def noise(self):
        return torch.randn(self.batch, 100, device=DEVICE)

    def d_loss(self, real, fake):
        real_labels = 1 - 0.1 * torch.rand_like(real)
        return (F.binary_cross_entropy(real, real_labels) + F.binary_cross_entropy(fake, 0.1 * torch.rand_like(fake))) / 2

    def step(self):
        d_adam, g_adam = self.adams
        if not self.best:
            self.update(d_adam, self.d_loss(self.d(self.real), self.d(self.g(self.noise()))))
            fake = self.g(self.noise())
            self.d(self.real)
            judged = self.d(fake)
            loss = F.binary_cross_entropy(judged, torch.ones_like(judged))
            self.update(g_adam, loss)
            return loss
        with self.precision():
            fake = self.g(self.noise())
            real, judged = self.d(self.real), self.d(fake.detach())
        self.update(d_adam, self.d_loss(real.float(), judged.float()))
        with self.frozen():
            with self.precision():
                judged = self.d(fake).float()
            loss = F.binary_cross_entropy(judged, torch.ones_like(judged))
            self.update(g_adam, loss)
        return loss


class WganGp(Trainer):
    CRITIC_STEPS = 3

    def __init__(self, args):
        d = Discriminator(args.channels, [64, 128, 256, 512], critic=True)
        g = Generator(128, [512, 256, 128, 64], args.channels, bias=True)
        super().__init__(d, g, 2e-4, (0.5, 0.9), args)

    def noise(self):
        return torch.randn(self.batch, 128, device=DEVICE)

    def judge(self, images):
        return self.d(images)

    def scores(self):
        """Of the real images, of as many fakes, and of places between them, with these places."""
        with self.precision():
            with torch.no_grad() if self.best else contextlib.nullcontext():
                fake = self.g(self.noise())
            if self.best:
                real, judged = self.judge(torch.cat([self.real, fake.float()])).float().split(self.batch)
            else:
                real, judged = self.judge(self.real), self.judge(fake)
            alpha = torch.rand(self.batch, 1, 1, 1, device=DEVICE)
            between = (self.real + alpha * (fake.float() - self.real)).detach().requires_grad_(True)
            return real, judged, self.judge(between).float(), between

    def step(self):
        d_adam, g_adam = self.adams
        for _ in range(self.CRITIC_STEPS):
            real, fake, scores, between = self.scores()
            (gradient,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
            penalty = ((gradient.flatten(1).norm(2, 1) - 1) ** 2).mean()
            self.update(d_adam, fake.mean() - real.mean() + 10 * penalty)
        with self.frozen():
            with self.precision():
                fake = self.judge(self.g(self.noise()))
                if not self.best:
                    self.judge(self.real)
            loss = -fake.float().mean()
            self.update(g_adam, loss)
        return loss


class Cgan(WganGp):
    def __init__(self, args):
        d = Discriminator(args.channels + 2, [64, 128, 128, 128], critic=True)
        g = Generator(34, [128, 128, 128, 64], args.channels, bias=True)
        Trainer.__init__(self, d, g, 5e-5, (0.5, 0.9), args)
        self.labels = F.one_hot(torch.randint(2, (self.batch,), device=DEVICE), 2).float()
        self.planes = self.labels[:, :, None, None].expand(-1, -1, 64, 64)

    def noise(self):
        return torch.cat([torch.randn(self.batch, 32, device=DEVICE), self.labels], 1)

    def judge(self, images):
        planes = self.planes.repeat(len(images) // self.batch, 1, 1, 1)
        return self.d(torch.cat([images, planes.to(images.dtype)], 1))


def read(folder, channels):
    """Reads and decodes all images of a folder of class folders once, with torchvision and a process for each core."""
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    start = time.perf_counter()
    steps = [transforms.Resize((64, 64)), transforms.ToTensor(), transforms.Normalize([0.5] * channels, [0.5] * channels)]
    grey = [transforms.Grayscale()] if channels == 1 else []
    images = ImageFolder(folder, transforms.Compose(grey + steps))
    count = sum(len(batch) for batch, _ in DataLoader(images, batch_size=128, num_workers=os.cpu_count()))
    seconds = time.perf_counter() - start
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(count, seconds, seconds, max(peaks) * 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["dcgan", "wgan-gp", "cgan", "read"])
    parser.add_argument("folder", nargs="?", help="what to read")
    parser.add_argument("--variant", choices=["source", "best"], default="source")
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    args = parser.parse_args()
    if args.job == "read":
        return read(args.folder, args.channels)
    torch.manual_seed(0)
    trainer = {"dcgan": Dcgan, "wgan-gp": WganGp, "cgan": Cgan}[args.job](args)

    def timed(steps):
        start = time.perf_counter()
        for _ in range(steps):
            loss = trainer.step()
        loss.item()  # Waits for the device.
        return time.perf_counter() - start

    print(timed(1), DEVICE, flush=True)
    for line in sys.stdin:
        print(timed(int(line)), flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)


if __name__ == "__main__":
    main()
