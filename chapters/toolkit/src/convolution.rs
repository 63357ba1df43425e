//! 4 × 4 convolutions of small images, as products of matrices.
//!
//! A convolution is a product of two matrices: in one, a row holds all pixels under the filter at one place; in the other, a column
//! holds one filter. libtorch's convolutions avoid making the first matrix, in which every pixel stands four times here, and read
//! the image instead. That is the faster way where an image is large. Where it is 4 pixels wide, it is slower, most of all in the
//! gradient by the weights; we suppose that their loops over the width are then too short, which a product of matrices does not have. All that is used here has a derivative, and a second one, that is again made of products and copies.
//!
//! Everything is kept with the channels last.

use tch::nn::ConvConfig;
use tch::{Device, Tensor};

/// Height or width in pixels, of the smaller of the two images, up to which the product is faster, in f32 and in bf16. (At 8
/// a step takes a fifth more time in f32, and up to a seventh more in bf16.)
const SMALL: i64 = 4;

/// Channels of the larger image from which on it is. With fewer, the copies that a product needs take longer than it saves: the
/// gradients from 128 to 128 channels, the penalty's included, take twice as long in f32, and as long in bf16.
const WIDE: i64 = 256;

/// A convolution as a product, where that is faster: `x: [batch, in, h, w]` and `weight: [out, in, height, width]`.
pub(crate) fn as_product(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: ConvConfig,
) -> Option<Tensor> {
    let (image, filter) = (&x.size()[2..], &weight.size()[2..]);
    let even = image.iter().all(|side| side % 2 == 0 && side / 2 <= SMALL);
    let wide = weight.size()[1] >= WIDE;
    match how(x, config)? {
        How::Steps if filter == [4, 4] && even && wide => Some(halve(x, weight, bias)),
        How::Valid if filter == image => Some(to_point(x, weight, bias)),
        _ => None,
    }
}

/// A transposed convolution as a product, where that is faster: `x: [batch, in, h, w]` and `weight: [in, out, height, width]`.
pub(crate) fn transposed_as_product(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: ConvConfig,
) -> Option<Tensor> {
    let (image, filter) = (&x.size()[2..], &weight.size()[2..]);
    let small = image.iter().all(|side| *side <= SMALL);
    let wide = weight.size()[1] >= WIDE;
    match how(x, config)? {
        How::Steps if filter == [4, 4] && small && wide => Some(double(x, weight, bias)),
        How::Valid if image == [1, 1] => Some(from_point(x, weight, bias)),
        _ => None,
    }
}

enum How {
    /// Stride 2, padding 1.
    Steps,
    /// Stride 1, no padding.
    Valid,
}

/// `None` for what cannot be done here, and on a GPU, whose convolutions have no such weakness.
fn how(x: &Tensor, config: ConvConfig) -> Option<How> {
    let ConvConfig { stride, padding, dilation, groups, .. } = config;
    if x.device() != Device::Cpu || dilation != 1 || groups != 1 {
        return None;
    }
    match (stride, padding) {
        (2, 1) => Some(How::Steps),
        (1, 0) => Some(How::Valid),
        _ => None,
    }
}

/// The four places of a 2 × 2 window, as steps down and to the right.
const WINDOW: [(i64, i64); 4] = [(0, 0), (0, 1), (1, 0), (1, 1)];

/// Stride 2 and padding 1: `x: [batch, in, 2 · h, 2 · w]` and `weight: [out, in, 4, 4]` to `[batch, out, h, w]`.
fn halve(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (batch, inputs, h, w) = x.size4().expect("four dimensions");
    let (h, w, outputs) = (h / 2, w / 2, weight.size()[0]);
    // With a margin of one pixel; then each 2 × 2 pixels become one with four times the channels.
    let x = channels_last(x).constant_pad_nd([0, 0, 1, 1, 1, 1]);
    let x = swap_inner(&x.view([batch, h + 1, 2, w + 1, 2, inputs]));
    let x = x.reshape([batch, h + 1, w + 1, 4 * inputs]);
    // A filter covers a window of 2 × 2 of them.
    let places = WINDOW.map(|(down, right)| x.narrow(1, down, h).narrow(2, right, w));
    let patches = Tensor::cat(&places, 3).view([batch * h * w, 16 * inputs]);
    let filters = in_windows(weight).reshape([outputs, 16 * inputs]);
    let y = product(&patches, &filters.tr(), bias);
    channels_first(&y.view([batch, h, w, outputs]))
}

/// The transposed convolution, stride 2 and padding 1: `x: [batch, in, h, w]` and `weight: [in, out, 4, 4]` to
/// `[batch, out, 2 · h, 2 · w]`.
fn double(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (batch, inputs, h, w) = x.size4().expect("four dimensions");
    let outputs = weight.size()[1];
    let filters = in_windows(weight).reshape([inputs, 16 * outputs]);
    let pixels = channels_last(x).reshape([-1, inputs]);
    // What each pixel adds to a window of 2 × 2 times 2 × 2 pixels.
    let parts = pixels.mm(&filters).view([batch, h, w, 4, 4 * outputs]);
    let placed = (0..).zip(WINDOW).map(|(part, (down, right))| {
        parts.select(3, part).constant_pad_nd([0, 0, right, 1 - right, down, 1 - down])
    });
    let sum: Tensor = placed.reduce(|sum, part| sum + part).expect("a window has four places");
    let y = swap_inner(&sum.view([batch, h + 1, w + 1, 2, 2, outputs]));
    let y = y.reshape([batch, 2 * h + 2, 2 * w + 2, outputs]);
    let y = y.narrow(1, 1, 2 * h).narrow(2, 1, 2 * w);
    channels_first(&match bias {
        Some(bias) => y + bias,
        None => y.contiguous(),
    })
}

/// A filter that covers the image: `x: [batch, in, h, w]` and `weight: [out, in, h, w]` to `[batch, out, 1, 1]`.
fn to_point(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let rows = |x: &Tensor| channels_last(x).flatten(1, -1);
    product(&rows(x), &rows(weight).tr(), bias).unsqueeze(2).unsqueeze(3)
}

/// The transposed convolution of a single pixel: `x: [batch, in, 1, 1]` and `weight: [in, out, h, w]` to `[batch, out, h, w]`.
fn from_point(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (_, outputs, h, w) = weight.size4().expect("four dimensions");
    let y = x.flatten(1, -1).mm(&channels_last(weight).flatten(1, -1));
    let y = y.view([-1, h, w, outputs]);
    channels_first(&match bias {
        Some(bias) => y + bias,
        None => y,
    })
}

/// `[a, b, 4, 4]` to `[a, 2, 2, 2, 2, b]`: the place in the window of 2 × 2, and the place in that.
fn in_windows(weight: &Tensor) -> Tensor {
    let (a, b, _, _) = weight.size4().expect("four dimensions");
    swap_inner(&channels_last(weight).reshape([a, 2, 2, 2, 2, b]))
}

fn swap_inner(x: &Tensor) -> Tensor {
    x.permute([0, 1, 3, 2, 4, 5])
}

fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1])
}

fn channels_first(x: &Tensor) -> Tensor {
    x.permute([0, 3, 1, 2])
}

fn product(a: &Tensor, b: &Tensor, bias: Option<&Tensor>) -> Tensor {
    match bias {
        Some(bias) => bias.addmm(a, b),
        None => a.mm(b),
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    type Convolution = fn(&Tensor, &Tensor, &Tensor) -> Tensor;

    /// Values, gradients, and the gradients of a gradient's length, by all that goes in: what a step with a gradient penalty uses.
    fn results(convolution: Convolution, inputs: &[Tensor; 3]) -> Vec<Tensor> {
        let inputs = inputs.each_ref().map(|input| input.detach().set_requires_grad(true));
        let [x, weight, bias] = &inputs;
        let y = convolution(x, weight, bias);
        let mut all = Tensor::run_backward(&[y.sin().sum(Kind::Double)], &inputs, true, true);
        let length = all[0].square().sum(Kind::Double);
        all.extend(Tensor::run_backward(&[length], &inputs, false, false));
        all.push(y);
        all
    }

    fn config(stride: i64, padding: i64) -> ConvConfig {
        ConvConfig { stride, padding, ..Default::default() }
    }

    fn same(x: &[i64], weight: &[i64], outputs: i64, ours: Convolution, libtorch: Convolution) {
        tch::manual_seed(1);
        let normal = |shape: &[i64]| Tensor::randn(shape, (Kind::Double, Device::Cpu));
        let inputs = [normal(x), normal(weight), normal(&[outputs])];
        for (ours, theirs) in results(ours, &inputs).iter().zip(results(libtorch, &inputs)) {
            assert_eq!(ours.size(), theirs.size());
            let error = (ours - &theirs).norm().double_value(&[]);
            assert!(error < 1e-12 * theirs.norm().double_value(&[]), "{x:?}: {error}");
        }
    }

    #[test]
    fn products_are_convolutions() {
        let halve: Convolution = |x, w, b| halve(x, w, Some(b));
        let conv: Convolution = |x, w, b| x.conv2d(w, Some(b), [2; 2], [1; 2], [1; 2], 1);
        same(&[3, 5, 8, 8], &[7, 5, 4, 4], 7, halve, conv);
        same(&[2, 3, 4, 6], &[1, 3, 4, 4], 1, halve, conv);
        same(&[2, 1, 16, 16], &[3, 1, 4, 4], 3, halve, conv);

        let double: Convolution = |x, w, b| double(x, w, Some(b));
        let conv: Convolution =
            |x, w, b| x.conv_transpose2d(w, Some(b), [2; 2], [1; 2], [0; 2], 1, [1; 2]);
        same(&[3, 5, 4, 4], &[5, 7, 4, 4], 7, double, conv);
        same(&[2, 3, 1, 3], &[3, 1, 4, 4], 1, double, conv);

        let to_point: Convolution =
            |x, w, b| as_product(x, w, Some(b), config(1, 0)).expect("one place");
        let conv: Convolution = |x, w, b| x.conv2d(w, Some(b), [1; 2], [0; 2], [1; 2], 1);
        same(&[3, 5, 4, 3], &[7, 5, 4, 3], 7, to_point, conv);

        let from_point: Convolution =
            |x, w, b| transposed_as_product(x, w, Some(b), config(1, 0)).expect("one pixel");
        let conv: Convolution =
            |x, w, b| x.conv_transpose2d(w, Some(b), [1; 2], [0; 2], [0; 2], 1, [1; 2]);
        same(&[3, 5, 1, 1], &[5, 7, 4, 3], 7, from_point, conv);
    }

    #[test]
    fn other_convolutions_are_left_alone() {
        let zeros = |shape: [i64; 4]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let is_product =
            |x, weight, config| as_product(&zeros(x), &zeros(weight), None, config).is_some();
        assert!(is_product([1, 256, 8, 8], [3, 256, 4, 4], config(2, 1)));
        assert!(!is_product([1, 128, 8, 8], [3, 128, 4, 4], config(2, 1)), "too few channels");
        assert!(!is_product([1, 256, 16, 16], [3, 256, 4, 4], config(2, 1)), "too large");
        assert!(!is_product([1, 256, 7, 8], [3, 256, 4, 4], config(2, 1)), "an odd side");
        assert!(!is_product([1, 256, 8, 8], [3, 256, 3, 3], config(2, 1)), "another filter");
        assert!(!is_product([1, 256, 8, 8], [3, 256, 4, 4], config(1, 0)), "several places");
        assert!(!is_product([1, 256, 8, 8], [3, 256, 4, 4], config(1, 1)), "another stride");

        let doubled = |x, weight| {
            transposed_as_product(&zeros(x), &zeros(weight), None, config(2, 1)).is_some()
        };
        assert!(doubled([1, 3, 4, 4], [3, 256, 4, 4]));
        assert!(!doubled([1, 3, 4, 4], [3, 128, 4, 4]), "too few channels");
        assert!(!doubled([1, 3, 8, 8], [3, 256, 4, 4]), "too large");
    }
}
