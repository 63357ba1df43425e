"""The WGAN-GP of chapters/ch4-wgan-gp in plain PyTorch, and its fixture."""

from collections import OrderedDict
from copy import deepcopy

import dcgan
import torch
from record import KINDS, Drawn, Dropout, Fixture, from_bytes, leaf, noise, normal, pixels, uniform, unlike_new
from record import gradients, running, trained
from torch import nn


class Generator(dcgan.Generator):
    """The DCGAN's, but that the last convolution has a bias."""

    def __init__(self, z_dim, widths, channels):
        super().__init__(z_dim, widths, channels)
        self.image = nn.ConvTranspose2d(widths[0], channels, 4, 2, 1)


class Critic(nn.Module):
    def __init__(self, widths, channels, dropout):
        super().__init__()
        w32, w16, w8, w4 = widths

        def down_block(inputs, outputs, dropout):
            conv = nn.Conv2d(inputs, outputs, 4, 2, 1)
            return nn.Sequential(OrderedDict(conv=conv, leak=nn.LeakyReLU(0.2), drop=Dropout(dropout)))

        self.down1 = down_block(channels, w32, 0)
        self.down2 = down_block(w32, w16, dropout)
        self.down3 = down_block(w16, w8, dropout)
        self.down4 = down_block(w8, w4, dropout)
        self.score = nn.Conv2d(w4, 1, 4)

    def forward(self, images):
        return self.score(self.down4(self.down3(self.down2(self.down1(images))))).flatten()


def critic_loss(real_scores, fake_scores):
    return fake_scores.mean() - real_scores.mean()


def generator_loss(fake_scores):
    return -fake_scores.mean()


def between(real, fake):
    return real + uniform(len(real), 1, 1, 1) * (fake - real)


def gradient_penalty(critic, real, fake):
    images = between(real, fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def minimise(adam, loss):
    adam.zero_grad()
    loss.backward()
    adam.step()


class WganGp:
    def __init__(self, generator, critic, learning_rate, betas, gp_weight):
        self.generator, self.critic, self.gp_weight = generator, critic, gp_weight
        self.generator_adam = torch.optim.Adam(generator.parameters(), learning_rate, betas)
        self.critic_adam = torch.optim.Adam(critic.parameters(), learning_rate, betas)

    def critic_step(self, real, z_dim):
        fake = self.generator(normal(len(real), z_dim, 1, 1)).detach()
        return self.update_critic(self.critic, real, fake)

    def update_critic(self, score, real, fake):
        """`score` is the critic, or what a critic under labels makes of images."""
        scores = score(torch.cat([real, fake]))
        wasserstein_loss = critic_loss(scores[: len(real)], scores[len(real) :])
        penalty = gradient_penalty(score, real, fake)
        loss = wasserstein_loss + self.gp_weight * penalty
        minimise(self.critic_adam, loss)
        return {"loss": loss, "wasserstein": -wasserstein_loss, "penalty": penalty}

    def generator_step(self, batch, z_dim):
        loss = generator_loss(self.critic(self.generator(normal(batch, z_dim, 1, 1))))
        minimise(self.generator_adam, loss)
        return {"loss": loss}


BATCH, Z_DIM, WIDTHS, CHANNELS = 2, 5, [4, 6, 8, 10], 2


def fixture():
    torch.manual_seed(2)
    fixture = Fixture("ch4-wgan-gp")
    generator, critic = Generator(Z_DIM, WIDTHS, CHANNELS), Critic(WIDTHS, CHANNELS, 0.3)
    unlike_new(generator)
    unlike_new(critic, scale=2)  # with a gradient of a norm near 1
    fixture.weights("generator", generator)
    fixture.weights("critic", critic)

    shape = (BATCH, CHANNELS, 64, 64)
    fixture.inputs = {
        "z": torch.randn(BATCH, Z_DIM, 1, 1),
        # What the gradient of an image is taken of: its product with this.
        "probe": noise(*shape),
        "real": pixels(*shape),
        "fake": pixels(*shape),
        "real_scores": torch.randn(5),
        "fake_scores": torch.randn(5),
    }
    judged, penalised, steps = Drawn(), Drawn(), Drawn()
    for kind in KINDS.values():
        z = fixture.inputs["z"].to(kind)
        probe, real, fake = (from_bytes(fixture.inputs[name], kind) for name in ("probe", "real", "fake"))

        painter = deepcopy(generator).to(kind)
        given = leaf(z, kind)
        images = painter(given)
        (images * probe).sum().backward()
        fixture.result(kind, "generator", {"images": images, "gradient/z": given.grad})
        fixture.result(kind, "generator", gradients(painter) | running(painter))
        fixture.result(kind, "generator", {"eval": painter.eval()(z[:1])})

        judge = deepcopy(critic).to(kind)
        images = leaf(real, kind)
        with judged.given(kind):
            scores = judge(images)
        loss = generator_loss(scores)
        loss.backward()
        fixture.result(kind, "critic", {"scores": scores, "loss": loss, "gradient/images": images.grad})
        fixture.result(kind, "critic", gradients(judge) | {"eval": judge.eval()(real)})

        scores = [leaf(fixture.inputs[name], kind) for name in ("real_scores", "fake_scores")]
        loss = critic_loss(*scores)
        loss.backward()
        found = {"loss": loss, "gradient/real_scores": scores[0].grad, "gradient/fake_scores": scores[1].grad}
        fixture.result(kind, "critic_loss", found)

        judge = deepcopy(critic).to(kind)
        with penalised.given(kind):
            penalty = gradient_penalty(judge, real, fake)
        penalty.backward()
        fixture.result(kind, "penalty", {"value": penalty} | gradients(judge))

        gan = WganGp(deepcopy(generator).to(kind), deepcopy(critic).to(kind), 2e-4, (0.5, 0.9), 10.0)
        with steps.given(kind):
            for step in range(2):
                for k, batch in enumerate([real, real.flip(3)]):
                    fixture.result(kind, f"step{step}/critic{k}", gan.critic_step(batch, Z_DIM))
                fixture.result(kind, f"step{step}/generator", gan.generator_step(BATCH, Z_DIM))
        fixture.result(kind, "trained/generator", trained(gan.generator, gan.generator_adam))
        fixture.result(kind, "trained/critic", trained(gan.critic, gan.critic_adam))

    fixture.drawn("critic", judged)
    fixture.drawn("penalty", penalised)
    fixture.drawn("steps", steps)
    fixture.write()


if __name__ == "__main__":
    fixture()
