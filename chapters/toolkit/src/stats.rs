//! The few statistics that the experiments need.

/// Spearman's rank correlation of pairs `(x, y)`: 1 if `y` always rises with `x`, −1 if it always falls.
///
/// `None` where it is not defined: fewer than three pairs, or the same value in all of them.
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let x = ranks(&pairs.iter().map(|pair| pair.0).collect::<Vec<f64>>());
    let y = ranks(&pairs.iter().map(|pair| pair.1).collect::<Vec<f64>>());
    let middle = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let length = (product(&x, &x) * product(&y, &y)).sqrt();
    (pairs.len() >= 3 && length > 0.0).then(|| product(&x, &y) / length)
}

/// The rank of each value, counted from 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let smaller = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        smaller + (equal + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

/// `count` of some things, evenly spaced; all of them if there are fewer. Names are sorted by class, so the classes of their images stay
/// in proportion.
pub fn evenly_spaced(things: &[usize], count: usize) -> Vec<usize> {
    let count = count.min(things.len());
    (0..count).map(|i| things[i * things.len() / count]).collect()
}

/// The middle value, or the mean of the two in the middle; 0 if there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { 0.0 } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}

/// The mean; 0 if there are no values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard deviation, with the number of values under the sum; 0 if there are none.
pub fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    mean(&values.iter().map(|value| (value - middle).powi(2)).collect::<Vec<f64>>()).sqrt()
}

/// The median of some values and, in brackets, the smallest and the largest: `28.0 (27.0 to 28.7)`. One value stands alone, and for
/// none a dash.
pub fn spread(values: &[f64], digits: usize) -> String {
    let text = |value: f64| format!("{value:.digits$}").replace('-', "−");
    match values {
        [] => "–".into(),
        [one] => text(*one),
        _ => {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{} ({} to {})", text(median(values.to_vec())), text(least), text(most))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_their_middle_and_their_ends() {
        assert_eq!(spread(&[], 1), "–");
        assert_eq!(spread(&[-2.04], 1), "−2.0");
        assert_eq!(spread(&[3.0, 1.0, 2.26], 1), "2.3 (1.0 to 3.0)");
        assert_eq!(deviation(&[1.0, 3.0, 1.0, 3.0]), 1.0);
        assert_eq!(deviation(&[]), 0.0);
    }
}
