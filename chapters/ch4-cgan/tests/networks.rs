//! Sizes, shapes, how labels get in, and who moves in which step.

use ch4_cgan::model::{Critic, Generator, one_hot, tile};
use ch4_cgan::train::{Cgan, Settings, gradient_penalty};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use toolkit::Compute;
use toolkit::cli::Preset;

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };
const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

fn tiny() -> Settings {
    let (_, quick) = Settings::preset(Preset::Quick);
    Settings { labels: vec!["Blond_Hair".into()], z_dim: 5, widths: [2, 3, 4, 5], ..quick }
}

fn trainable(variables: &VarStore) -> i64 {
    variables.trainable_variables().iter().map(|v| v.numel() as i64).sum()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1)).unwrap()
}

/// The numbers of the original notebook.
#[test]
fn book_networks_have_the_books_parameters() {
    let (_, Settings { labels, z_dim, widths, dropout, .. }) = Settings::preset(Preset::Book);
    let labels = labels.len() as i64;
    let (g, c) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    let _ = Generator::new(&g.root(), z_dim, labels, widths, 3);
    let _ = Critic::new(&c.root(), labels, widths, 3, dropout);
    assert_eq!(trainable(&c), 662_977);
    assert_eq!(trainable(&g), 728_963);
    // The generator begins with 34 numbers, the critic with 5 planes.
    assert_eq!(g.variables()["up1.conv.weight"].size(), [34, 128, 4, 4]);
    assert_eq!(c.variables()["down1.conv.weight"].size(), [64, 5, 4, 4]);
}

#[test]
fn shapes_and_ranges() {
    let variables = VarStore::new(Device::Cpu);
    let generator = Generator::new(&(variables.root() / "g"), 5, 2, [2, 3, 4, 5], 3);
    let critic = Critic::new(&(variables.root() / "c"), 2, [2, 3, 4, 5], 3, 0.3);
    let labels = one_hot(&Tensor::zeros([7, 2], F32));
    let images = generator.forward_t(&Tensor::randn([7, 5, 1, 1], F32), &labels, true);
    assert_eq!(images.size(), [7, 3, 64, 64]);
    assert!(images.abs().max().double_value(&[]) <= 1.0);
    assert_eq!(critic.forward_t(&images, &labels, true).size(), [7]);
    // bf16 in, f32 scores out.
    let half = |x: &Tensor| x.to_kind(Kind::BFloat16);
    let scores = critic.forward_t(&half(&images), &half(&labels), true);
    assert_eq!(scores.kind(), Kind::Float);
}

#[test]
fn one_hots_are_no_yes_pairs_side_by_side() {
    let answers = Tensor::from_slice2(&[[0, 0], [0, 1], [1, 0], [1, 1]]);
    let labels = one_hot(&answers);
    assert_eq!(labels.size(), [4, 4]);
    let expected = [[1., 0., 1., 0.], [1., 0., 0., 1.], [0., 1., 1., 0.], [0., 1., 0., 1.]];
    assert_eq!(numbers(&labels), expected.concat());
    // From a table of booleans too.
    assert_eq!(numbers(&one_hot(&answers.to_kind(Kind::Bool))), expected.concat());
}

#[test]
fn a_tile_is_the_same_number_all_over() {
    let planes = tile(&Tensor::from_slice2(&[[1f32, 0.0], [0.25, 3.0]]), 3);
    assert_eq!(planes.size(), [2, 2, 3, 3]);
    let expected = [1f32, 0.0, 0.25, 3.0].map(|number| [number; 9]);
    assert_eq!(numbers(&planes), expected.concat());
}

/// The planes are read where they should be: a critic whose first layer sees the fourth plane alone scores by "not".
#[test]
fn the_critics_planes_stand_behind_the_colours_in_order() {
    let variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), 1, [2, 3, 4, 5], 3, 0.0);
    let first = variables.variables()["down1.conv.weight"].shallow_clone(); // [2, 5, 4, 4]
    let image = Tensor::randn([1, 3, 64, 64], F32);
    let score = |plane: i64, answer: i32| {
        tch::no_grad(|| {
            let mut first = first.shallow_clone();
            let _ = first.zero_();
            let _ = first.narrow(1, plane, 1).fill_(1.0);
        });
        let labels = one_hot(&Tensor::from_slice2(&[[answer]]));
        critic.forward_t(&image, &labels, false).double_value(&[0])
    };
    // A layer that sees nothing but zeros gives what the biases give, and these begin at 0.
    assert_eq!(score(3, 1), 0.0);
    assert_ne!(score(3, 0), 0.0);
    assert_eq!(score(4, 0), 0.0);
    assert_ne!(score(4, 1), 0.0);
}

#[test]
fn a_label_changes_what_is_drawn_and_how_it_is_scored() {
    tch::manual_seed(5);
    let gan = Cgan::new(&tiny(), 3, CPU);
    let z = Tensor::randn([4, 5, 1, 1], F32);
    let [no, yes] = [0, 1].map(|answer| one_hot(&Tensor::full([4, 1], answer, F32)));
    let images = gan.sample(&z, &no);
    assert!(images.equal(&gan.sample(&z, &no)), "sampling draws nothing but what z says");
    // An untrained generator's images are faint; a tenth of what is there changes.
    let strength = |x: &Tensor| x.abs().mean(Kind::Float).double_value(&[]);
    let apart = strength(&(&images - gan.sample(&z, &yes)));
    assert!(apart > 0.1 * strength(&images), "{apart} of {}", strength(&images));
    let score = |labels| gan.critic.forward_t(&images, labels, false);
    let apart = (score(&no) - score(&yes)).abs().min().double_value(&[]);
    assert!(apart > 1e-5, "{apart}");
}

#[test]
fn each_step_moves_one_network() {
    tch::manual_seed(4);
    let mut gan = Cgan::new(&tiny(), 3, CPU);
    let real = Tensor::randn([6, 3, 64, 64], F32).tanh();
    let labels = one_hot(&Tensor::from_slice(&[0, 1, 0, 0, 1, 0]).unsqueeze(1));
    // Whether any trained parameter of (generator, critic) differs from a copy.
    let copies = |gan: &mut Cgan| {
        gan.parts().map(|(_, adam)| {
            adam.network()
                .trainable_variables()
                .iter()
                .map(|v| v.detach().copy())
                .collect::<Vec<_>>()
        })
    };
    let moved = |before: &[Vec<Tensor>; 2], after: &[Vec<Tensor>; 2]| {
        [0, 1].map(|i| before[i].iter().zip(&after[i]).any(|(a, b)| !a.equal(b)))
    };
    let start = copies(&mut gan);
    gan.critic_step(&real, &labels);
    let middle = copies(&mut gan);
    assert_eq!(moved(&start, &middle), [false, true]);
    let loss = gan.generator_step(&labels);
    assert!(loss.double_value(&[]).is_finite());
    assert_eq!(moved(&middle, &copies(&mut gan)), [true, false]);
}

/// A critic step is what it says: real and fake, each scored under its own label, and the penalty between them.
#[test]
fn a_critic_step_scores_every_image_under_its_own_label() {
    tch::manual_seed(6);
    let mut gan = Cgan::new(&tiny(), 3, CPU);
    let real = Tensor::randn([3, 3, 64, 64], F32).tanh();
    let labels = one_hot(&Tensor::from_slice(&[0, 1, 1]).unsqueeze(1));
    let expected = |scored_under: &Tensor| {
        tch::manual_seed(7);
        let fake = gan.generator.forward_t(&gan.noise(3), &labels, true);
        let score = |x: &Tensor| gan.critic.forward_t(x, scored_under, true);
        let wasserstein = score(&real).mean(Kind::Float) - score(&fake).mean(Kind::Float);
        let penalty = gradient_penalty(score, &real, &fake);
        [&wasserstein, &penalty].map(|x| x.double_value(&[]))
    };
    let (right, wrong) = (expected(&labels), expected(&(1.0 - &labels)));
    tch::manual_seed(7);
    let losses = gan.critic_step(&real, &labels);
    let found = [&losses.wasserstein, &losses.penalty].map(|x| x.double_value(&[]));
    for i in [0, 1] {
        assert!((found[i] - right[i]).abs() < 1e-6, "{found:?} {right:?}");
        assert!((found[i] - wrong[i]).abs() > 1e-5, "{found:?} {wrong:?}");
    }
    let loss = losses.loss.double_value(&[]);
    assert!((loss - (10.0 * found[1] - found[0])).abs() < 1e-5, "{loss} {found:?}");
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    let folder = tempfile::TempDir::new().unwrap();
    let weights = folder.path().join("new/weights");
    let mut gan = Cgan::new(&tiny(), 3, CPU);
    // Statistics move as well as weights.
    let _ = gan.generator_step(&one_hot(&Tensor::zeros([3, 1], F32)));
    gan.save(&weights).unwrap();
    let mut other = Cgan::new(&tiny(), 3, CPU);
    let z = Tensor::randn([300, 5, 1, 1], F32);
    let labels = one_hot(&Tensor::ones([300, 1], F32));
    let images = gan.sample(&z, &labels);
    let score = |gan: &Cgan| gan.critic.forward_t(&images, &labels, false);
    assert!(!images.equal(&other.sample(&z, &labels)));
    other.load(&weights).unwrap();
    assert!(images.equal(&other.sample(&z, &labels)));
    assert!(score(&gan).equal(&score(&other)));

    // Another number of labels is another network.
    let two = Settings { labels: vec!["Blond_Hair".into(), "Smiling".into()], ..tiny() };
    let error = Cgan::new(&two, 3, CPU).load(&weights).unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("generator.safetensors") && error.contains("up1.conv.weight"),
        "{error}"
    );
}
