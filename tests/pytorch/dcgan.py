"""The DCGAN of chapters/ch4-dcgan in plain PyTorch, and its fixture."""

from collections import OrderedDict
from copy import deepcopy

import torch
import torch.nn.functional as F
from record import KINDS, Drawn, Dropout, Fixture, from_bytes, leaf, noise, normal, pixels, uniform, unlike_new
from record import gradients, running, trained
from torch import nn


def up_block(inputs, outputs, stride, padding):
    return nn.Sequential(
        OrderedDict(
            conv=nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False),
            norm=nn.BatchNorm2d(outputs),
            leak=nn.LeakyReLU(0.2),
        )
    )


class Generator(nn.Module):
    def __init__(self, z_dim, widths, channels):
        super().__init__()
        w32, w16, w8, w4 = widths
        self.up1 = up_block(z_dim, w4, 1, 0)
        self.up2 = up_block(w4, w8, 2, 1)
        self.up3 = up_block(w8, w16, 2, 1)
        self.up4 = up_block(w16, w32, 2, 1)
        self.image = nn.ConvTranspose2d(w32, channels, 4, 2, 1, bias=False)

    def forward(self, z):
        return torch.tanh(self.image(self.up4(self.up3(self.up2(self.up1(z))))))


def upsample(inputs, outputs):
    """Twice the side; the margin of a 4 x 4 filter that keeps the side is one pixel before and two after, as in Keras."""
    return OrderedDict(
        twice=nn.Upsample(scale_factor=2, mode="nearest"),
        margin=nn.ZeroPad2d((1, 2, 1, 2)),
        conv=nn.Conv2d(inputs, outputs, 4, bias=False),
    )


class UpsamplingGenerator(nn.Module):
    def __init__(self, z_dim, widths, channels):
        super().__init__()
        w32, w16, w8, w4 = widths
        self.up1 = up_block(z_dim, w4, 1, 0)
        for name, inputs, outputs in [("up2", w4, w8), ("up3", w8, w16), ("up4", w16, w32)]:
            end = OrderedDict(norm=nn.BatchNorm2d(outputs), leak=nn.LeakyReLU(0.2))
            setattr(self, name, nn.Sequential(upsample(inputs, outputs) | end))
        self.enlarge = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), nn.ZeroPad2d((1, 2, 1, 2)))
        self.image = nn.Conv2d(w32, channels, 4, bias=False)

    def forward(self, z):
        return torch.tanh(self.image(self.enlarge(self.up4(self.up3(self.up2(self.up1(z)))))))


class Discriminator(nn.Module):
    def __init__(self, widths, channels, dropout):
        super().__init__()
        w32, w16, w8, w4 = widths

        def down_block(inputs, outputs, norm=True):
            conv = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)
            layers = OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs) if norm else nn.Identity())
            return nn.Sequential(layers | OrderedDict(leak=nn.LeakyReLU(0.2), drop=Dropout(dropout)))

        self.down1 = down_block(channels, w32, norm=False)
        self.down2 = down_block(w32, w16)
        self.down3 = down_block(w16, w8)
        self.down4 = down_block(w8, w4)
        self.logit = nn.Conv2d(w4, 1, 4, bias=False)

    def forward(self, images):
        return self.logit(self.down4(self.down3(self.down2(self.down1(images))))).flatten()


bce = F.binary_cross_entropy_with_logits


class Dcgan:
    def __init__(self, generator, discriminator, learning_rate, betas, label_noise):
        self.generator, self.discriminator, self.label_noise = generator, discriminator, label_noise
        self.generator_adam = torch.optim.Adam(generator.parameters(), learning_rate, betas)
        self.discriminator_adam = torch.optim.Adam(discriminator.parameters(), learning_rate, betas)

    def step(self, real, z_dim):
        batch = len(real)
        fake = self.generator(normal(batch, z_dim, 1, 1))

        self.discriminator_adam.zero_grad()
        real_logits = self.discriminator(real)
        fake_logits = self.discriminator(fake.detach())
        real_loss = bce(real_logits, 1 - self.label_noise * uniform(batch))
        fake_loss = bce(fake_logits, self.label_noise * uniform(batch))
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        self.discriminator_adam.step()

        self.generator_adam.zero_grad()
        fake_logits = self.discriminator(fake)
        g_loss = bce(fake_logits, torch.ones_like(fake_logits))
        g_loss.backward()
        self.generator_adam.step()
        return {"discriminator_loss": d_loss, "generator_loss": g_loss}


BATCH, Z_DIM, WIDTHS, CHANNELS = 2, 5, [4, 6, 8, 10], 1


def fixture():
    torch.manual_seed(1)
    fixture = Fixture("ch4-dcgan")
    makers = {"generator": Generator, "upsampling": UpsamplingGenerator}
    generators = {name: make(Z_DIM, WIDTHS, CHANNELS) for name, make in makers.items()}
    discriminator = Discriminator(WIDTHS, CHANNELS, 0.3)
    for name, network in [*generators.items(), ("discriminator", discriminator)]:
        unlike_new(network)
        fixture.weights(name, network)

    fixture.inputs = {
        "z": torch.randn(BATCH, Z_DIM, 1, 1),
        # What the gradient of an image is taken of: its product with this.
        "probe": noise(BATCH, CHANNELS, 64, 64),
        "real": pixels(BATCH, CHANNELS, 64, 64),
        "image_labels": torch.tensor([0.9375, 0.0625]),
        "logits": torch.tensor([-90.0, -8.0, -0.5, 0.0, 0.5, 8.0, 90.0]),
        "labels": torch.tensor([1.0, 0.9375, 1.0, 0.5, 0.0625, 0.0, 0.0]),
    }
    judged, steps = Drawn(), Drawn()
    for kind in KINDS.values():
        z, labels = fixture.inputs["z"].to(kind), fixture.inputs["labels"].to(kind)
        probe, real = (from_bytes(fixture.inputs[name], kind) for name in ("probe", "real"))

        for name, network in generators.items():
            generator = deepcopy(network).to(kind)
            given = leaf(z, kind)
            images = generator(given)
            (images * probe).sum().backward()
            fixture.result(kind, name, {"images": images, "gradient/z": given.grad})
            fixture.result(kind, name, gradients(generator) | running(generator))
            fixture.result(kind, name, {"eval": generator.eval()(z[:1])})

        judge = deepcopy(discriminator).to(kind)
        images = leaf(real, kind)
        with judged.given(kind):
            logits = judge(images)
        loss = bce(logits, fixture.inputs["image_labels"].to(kind))
        loss.backward()
        fixture.result(kind, "discriminator", {"logits": logits, "loss": loss, "gradient/images": images.grad})
        fixture.result(kind, "discriminator", gradients(judge) | running(judge))
        fixture.result(kind, "discriminator", {"eval": judge.eval()(real)})

        logits = leaf(fixture.inputs["logits"], kind)
        loss = bce(logits, labels)
        loss.backward()
        fixture.result(kind, "bce", {"loss": loss, "gradient": logits.grad})

        gan = Dcgan(deepcopy(generators["generator"]).to(kind), deepcopy(discriminator).to(kind), 2e-4, (0.5, 0.999), 0.1)
        with steps.given(kind):
            for step in range(2):
                fixture.result(kind, f"step{step}", gan.step(real, Z_DIM))
        fixture.result(kind, "trained/generator", trained(gan.generator, gan.generator_adam))
        fixture.result(kind, "trained/discriminator", trained(gan.discriminator, gan.discriminator_adam))

    fixture.drawn("discriminator", judged)
    fixture.drawn("steps", steps)
    fixture.write()


if __name__ == "__main__":
    fixture()
