//! Walks from one z to another.

use tch::{Device, Kind, Tensor};
use toolkit::Compute;
use toolkit::noise::{fixed_z, walks};

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Double };

fn length(z: &Tensor) -> f64 {
    z.norm().double_value(&[])
}

/// In radians.
fn angle(a: &Tensor, b: &Tensor) -> f64 {
    ((a * b).sum(Kind::Double).double_value(&[]) / (length(a) * length(b))).acos()
}

#[test]
fn a_walk_leads_from_one_z_to_another_in_equal_angles() {
    let (ends, walked) = (fixed_z(3, 4, 50, CPU), walks(3, 16, 8, 50, CPU));
    assert_eq!(walked.size(), [16, 50, 1, 1]);
    for row in 0..2 {
        let [from, to] = [2 * row, 2 * row + 1].map(|i| ends.get(i));
        let walk: Vec<Tensor> = (0..8).map(|step| walked.get(8 * row + step)).collect();
        assert!(walk[0].allclose(&from, 1e-9, 1e-9, false));
        assert!(walk[7].allclose(&to, 1e-9, 1e-9, false));
        // Near enough to equal: the ends have not quite the same length.
        let step = angle(&from, &to) / 7.0;
        for pair in walk.windows(2) {
            assert!((angle(&pair[0], &pair[1]) - step).abs() < 0.1 * step);
        }
        // On the straight line the middle would be shorter by √2.
        let (shorter, longer) = (length(&from).min(length(&to)), length(&from).max(length(&to)));
        for z in &walk {
            assert!(length(z) > 0.95 * shorter && length(z) < 1.05 * longer);
        }
    }
}

#[test]
fn the_last_walk_may_break_off() {
    let (some, all) = (walks(0, 11, 8, 5, CPU), walks(0, 16, 8, 5, CPU));
    assert_eq!(some.size(), [11, 5, 1, 1]);
    assert!(some.equal(&all.narrow(0, 0, 11)));
}
