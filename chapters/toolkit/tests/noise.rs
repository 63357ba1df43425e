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
        let step = angle(&from, &to) / 7.0;
        let growth = (length(&to) - length(&from)) / 7.0;
        for pair in walk.windows(2) {
            assert!((angle(&pair[0], &pair[1]) - step).abs() < 1e-6);
            assert!((length(&pair[1]) - length(&pair[0]) - growth).abs() < 1e-6);
        }
    }

    // The last walk may break off.
    let some = walks(3, 11, 8, 50, CPU);
    assert_eq!(some.size(), [11, 50, 1, 1]);
    assert!(some.equal(&walked.narrow(0, 0, 11)));
}
