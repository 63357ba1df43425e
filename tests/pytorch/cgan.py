"""The CGAN of chapters/ch4-cgan in plain PyTorch, and its fixture."""

from copy import deepcopy

import torch
import wgan_gp
from record import KINDS, Drawn, Fixture, from_bytes, gradients, leaf, noise, normal, pixels, running, trained, unlike_new
from wgan_gp import generator_loss, gradient_penalty, minimise


def one_hot(answers):
    return torch.stack([1 - answers, answers], 2).flatten(1)


class Generator(wgan_gp.Generator):
    def __init__(self, z_dim, labels, widths, channels):
        super().__init__(z_dim + 2 * labels, widths, channels)

    def forward(self, z, labels):
        return super().forward(torch.cat([z, tile(labels, 1)], 1))


class Critic(wgan_gp.Critic):
    def __init__(self, labels, widths, channels, dropout):
        super().__init__(widths, channels + 2 * labels, dropout)

    def forward(self, images, labels):
        return super().forward(torch.cat([images, tile(labels, images.shape[3])], 1))


def tile(labels, side):
    return labels[:, :, None, None].expand(-1, -1, side, side)


class Cgan(wgan_gp.WganGp):
    def critic_step(self, real, labels, z_dim):
        fake = self.generator(normal(len(real), z_dim, 1, 1), labels).detach()
        # Real images and fakes come in one batch, under the same labels; what lies between them comes by itself.
        score = lambda images: self.critic(images, labels.repeat(len(images) // len(labels), 1))
        return self.update_critic(score, real, fake)

    def generator_step(self, labels, z_dim):
        fake = self.generator(normal(len(labels), z_dim, 1, 1), labels)
        loss = generator_loss(self.critic(fake, labels))
        minimise(self.generator_adam, loss)
        return {"loss": loss}


BATCH, Z_DIM, WIDTHS, CHANNELS = 2, 5, [4, 6, 8, 10], 2
# What is asked for of each image, with one label and with two. With 0 and 1 exchanged, the two are all four that there are.
ANSWERS = {1: [[0], [1]], 2: [[0, 0], [1, 0]]}


def fixture():
    torch.manual_seed(102)
    fixture = Fixture("ch4-cgan")
    networks = {}
    for count in ANSWERS:
        generator, critic = Generator(Z_DIM, count, WIDTHS, CHANNELS), Critic(count, WIDTHS, CHANNELS, 0.3)
        unlike_new(generator)
        unlike_new(critic, scale=2)  # with a gradient of a norm near 1
        fixture.weights(f"generator{count}", generator)
        fixture.weights(f"critic{count}", critic)
        networks[count] = generator, critic

    shape = (BATCH, CHANNELS, 64, 64)
    fixture.inputs = {
        "z": torch.randn(BATCH, Z_DIM, 1, 1),
        # What the gradient of an image is taken of: its product with this.
        "probe": noise(*shape),
        "real": pixels(*shape),
        "fake": pixels(*shape),
    }
    fixture.inputs |= {f"answers{count}": torch.tensor(answers).to(torch.uint8) for count, answers in ANSWERS.items()}
    judged, penalised, steps = Drawn(), Drawn(), {count: Drawn() for count in ANSWERS}
    for kind in KINDS.values():
        z = fixture.inputs["z"].to(kind)
        probe, real, fake = (from_bytes(fixture.inputs[name], kind) for name in ("probe", "real", "fake"))
        labels = {count: one_hot(fixture.inputs[f"answers{count}"].to(kind)) for count in ANSWERS}
        generator, critic = networks[1]

        painter = deepcopy(generator).to(kind)
        given, asked = leaf(z, kind), leaf(labels[1], kind)
        images = painter(given, asked)
        (images * probe).sum().backward()
        found = {"images": images, "gradient/z": given.grad, "gradient/labels": asked.grad}
        fixture.result(kind, "generator", found | gradients(painter) | running(painter))
        fixture.result(kind, "generator", {"eval": painter.eval()(z[:1], labels[1][1:])})

        judge = deepcopy(critic).to(kind)
        images, said = leaf(real, kind), leaf(labels[1], kind)
        with judged.given(kind):
            scores = judge(images, said)
        loss = generator_loss(scores)
        loss.backward()
        found = {"scores": scores, "loss": loss, "gradient/images": images.grad, "gradient/labels": said.grad}
        fixture.result(kind, "critic", found | gradients(judge))
        fixture.result(kind, "critic", {"eval": judge.eval()(real, labels[1].flip(0))})

        judge = deepcopy(critic).to(kind)
        with penalised.given(kind):
            penalty = gradient_penalty(lambda images: judge(images, labels[1]), real, fake)
        penalty.backward()
        fixture.result(kind, "penalty", {"value": penalty} | gradients(judge))

        for count, (generator, critic) in networks.items():
            name = f"steps{count}"
            gan = Cgan(deepcopy(generator).to(kind), deepcopy(critic).to(kind), 5e-5, (0.5, 0.9), 10.0)
            with steps[count].given(kind):
                for step in range(2):
                    batches = [(real, labels[count]), (real.flip(3), 1 - labels[count])]
                    for k, (batch, said) in enumerate(batches):
                        fixture.result(kind, f"{name}/{step}/critic{k}", gan.critic_step(batch, said, Z_DIM))
                    fixture.result(kind, f"{name}/{step}/generator", gan.generator_step(said, Z_DIM))
            fixture.result(kind, f"{name}/generator", trained(gan.generator, gan.generator_adam))
            fixture.result(kind, f"{name}/critic", trained(gan.critic, gan.critic_adam))

    fixture.drawn("critic", judged)
    fixture.drawn("penalty", penalised)
    for count, drawn in steps.items():
        fixture.drawn(f"steps{count}", drawn)
    fixture.write()


if __name__ == "__main__":
    fixture()
