//! e
use ch4_training_tricks::train::*;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::{Batches, Compute, ImageSet, images::LoadOptions, noise, sheet, source, swd};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let name = &args[1];
    let steps: u64 = args[2].parse().unwrap();
    let base = serde_json::json!({"loss":"sigmoid-bce","z_dim":32,"g_width":16,"d_width":16,"d_layers":3,"d_norm":false,"dropout":0.0,
      "g_learning_rate":5e-4,"d_learning_rate":5e-4,"betas":[0.5,0.999],"batch_size":32,"d_steps":1,"g_steps":1,"label_noise":[0.0,0.0],"label_flips":0.0});
    let mut v = base;
    let over: serde_json::Value = serde_json::from_str(&args[3]).unwrap();
    for (k, x) in over.as_object().unwrap() { v[k] = x.clone(); }
    let seed: u64 = args.get(4).map_or(0, |s| s.parse().unwrap());
    let s: Settings = serde_json::from_value(v).unwrap();
    let compute = Compute { device: Device::Cpu, kind: Kind::Float };
    let set = ImageSet::load(&source::folder("bricks-small").unwrap(), &LoadOptions { side: 32, channels: 1, skip_bad: false, cache: "data/.cache".into() }).unwrap();
    let mut batches = Batches::new(set.training(), s.batch_size as usize, seed).unwrap();
    let held = set.held_out();
    let n = 64;
    let pick = |ix: &[usize]| -> Vec<usize> { (0..n).map(|i| ix[i * ix.len() / n]).collect() };
    let reference = set.batch(&pick(&held), Device::Cpu, Kind::Float);
    let floor = set.batch(&pick(&set.training()), Device::Cpu, Kind::Float);
    noise::seed_step(seed, 0);
    let mut gan = Gan::new(&s, 1, compute);
    let z = noise::fixed_z(0, n as i64, s.z_dim, compute);
    let t = std::time::Instant::now();
    let mut snaps = vec![no_grad(|| z.apply_t(&gan.generator, false))];
    let mut rows = vec![];
    let mut k = 0;
    let every = steps / 10;
    let head: u64 = args.get(5).map_or(0, |s| s.parse().unwrap());
    for h in 0..head {
        noise::seed_step(seed, 1_000_000 + h);
        let real = set.batch(batches.indices(k), Device::Cpu, Kind::Float);
        k += 1;
        let d = gan.d_step(&real);
        if h + 1 == head { println!("head d {:.3e} fake logit {:.2}", d.0.double_value(&[]), d.3.double_value(&[])); }
    }
    for step in 1..=steps {
        noise::seed_step(seed, step);
        let mut d = None;
        for _ in 0..s.d_steps {
            let real = set.batch(batches.indices(k), Device::Cpu, Kind::Float);
            k += 1;
            d = Some(gan.d_step(&real));
        }
        let mut g = None;
        for _ in 0..s.g_steps { g = Some(gan.g_step(s.batch_size as i64)); }
        if step % every == 0 || step == 5 || step == 25 {
            let (dl, ar, af, lf) = d.unwrap();
            let (gl, gn) = g.unwrap();
            let f = |t: &Tensor| t.double_value(&[]);
            rows.push((step, f(&dl), f(&gl), f(&gn), f(&ar), f(&af), f(&lf)));
            snaps.push(no_grad(|| z.apply_t(&gan.generator, false)));
        }
    }
    let train = t.elapsed().as_secs_f64();
    let spread = |x: &Tensor| { let c = x - x.mean_dim(&[0i64][..], true, Kind::Float); c.square().mean(Kind::Float).double_value(&[]) };
    let mut others: Vec<&Tensor> = vec![&floor];
    others.extend(snaps.iter());
    let t = std::time::Instant::now();
    let found = swd::distances(&reference, &others, 0);
    let swd_time = t.elapsed().as_secs_f64();
    println!("== {name} {} train {train:.1}s swd {swd_time:.1}s floor {:.1} untrained {:.1}", args[3], found[0].mean, found[1].mean);
    for (r, (f, x)) in rows.iter().zip(found[2..].iter().zip(&snaps[1..])) {
        println!("{:5} d {:.4} g {:9.4} |g| {:.3e} acc {:.2} {:.2} logit {:7.1} swd {:.1} spread {:.2}", r.0, r.1, r.2, r.3, r.4, r.5, r.6, f.mean, spread(x) / spread(&reference));
    }
    std::fs::create_dir_all("/work/scratch/tricks-explore").unwrap();
    sheet::save_sheet(&snaps.last().unwrap().narrow(0, 0, 64), 8, std::path::Path::new(&format!("/work/scratch/tricks-explore/{name}.png"))).unwrap();
}
