//! Layers that compute in the precision of their input, and the activation that tch lacks.
//!
//! The weights always stay in f32. A layer converts them to the kind of its input on the way through, so that
//! handing a network bf16 images *is* running it in bf16, and the gradients arrive in f32.

use rayon::prelude::*;
use tch::nn::{self, ConvConfig, Func, FuncT, Init, ModuleT, Path};
use tch::{Device, Kind, Tensor};

use crate::convolution;
use crate::noise::{given, mix};

/// A 2-D convolution, `[batch, in, h, w]` to `[batch, out, h', w']`.
pub fn conv2d(
    path: Path<'_>,
    inputs: i64,
    outputs: i64,
    side: i64,
    c: ConvConfig,
) -> Func<'static> {
    let parameters = parameters(&path, [outputs, inputs, side, side], outputs, c);
    nn::func(move |x| {
        let (weight, bias) = parameters(x.kind());
        if let Some(y) = convolution::as_product(x, &weight, bias.as_ref(), c) {
            return y;
        }
        x.conv2d(&weight, bias, [c.stride; 2], [c.padding; 2], [c.dilation; 2], c.groups)
    })
}

/// A transposed 2-D convolution, `[batch, in, h, w]` to `[batch, out, h', w']`.
pub fn conv_transpose2d(
    path: Path<'_>,
    inputs: i64,
    outputs: i64,
    side: i64,
    c: ConvConfig,
) -> Func<'static> {
    let parameters = parameters(&path, [inputs, outputs, side, side], outputs, c);
    nn::func(move |x| {
        let (weight, bias) = parameters(x.kind());
        if let Some(y) = convolution::transposed_as_product(x, &weight, bias.as_ref(), c) {
            return y;
        }
        let (stride, padding) = ([c.stride; 2], [c.padding; 2]);
        x.conv_transpose2d(&weight, bias, stride, padding, [0; 2], c.groups, [c.dilation; 2])
    })
}

/// Makes a convolution's weight and bias, to be had in any kind.
fn parameters(
    path: &Path<'_>,
    shape: [i64; 4],
    outputs: i64,
    c: ConvConfig,
) -> impl Fn(Kind) -> (Tensor, Option<Tensor>) + Send + use<> {
    let weight = path.var("weight", &shape, c.ws_init);
    let bias = c.bias.then(|| path.var("bias", &[outputs], c.bs_init));
    move |kind| (weight.to_kind(kind), bias.as_ref().map(|bias| bias.to_kind(kind)))
}

/// Batch normalisation over `[batch, channels, h, w]` as PyTorch has it: scale from 1, shift from 0, ε 1e-5, and
/// running statistics that move by a tenth at each training step. (tch's own default draws the scale from U(0, 1).)
///
/// Statistics are kept in f32 for bf16 input. Beside them stands the number of training batches seen, of which
/// nothing depends here, but which PyTorch expects in a file of weights.
pub fn batch_norm2d(path: Path<'_>, channels: i64) -> FuncT<'static> {
    let one = Init::Const(1.0);
    let config = nn::BatchNormConfig { ws_init: one, ..Default::default() };
    let mut norm = nn::batch_norm2d(&path, channels, config);
    let mut batches = path.zeros_no_train("num_batches_tracked", &[]);
    // tch makes all three in f32.
    norm.running_mean.set_data(&norm.running_mean.to_kind(path.kind()));
    norm.running_var.set_data(&norm.running_var.to_kind(path.kind()));
    batches.set_data(&batches.to_kind(Kind::Int64));
    nn::func_t(move |x, train| {
        if train {
            let _ = batches.shallow_clone().g_add_scalar_(1);
        }
        norm.forward_t(x, train)
    })
}

/// `x` where it is positive, `slope · x` elsewhere; any shape.
///
/// tch binds `leaky_relu` without its slope, but it binds the function's derivative with it: the incoming gradient
/// where the input is positive, and `slope` times it elsewhere. With `x` in both places that is the
/// function itself, in one pass, and its derivative is again the one that is wanted. (tch's receiver is the input, its
/// first argument the incoming gradient.)
pub fn leaky_relu(x: &Tensor, slope: f64) -> Tensor {
    x.detach().leaky_relu_backward(x, slope, false)
}

/// In training, `x` with a share `p` of its elements set to 0, and the others scaled by `1 / (1 − p)` to keep the
/// mean; any shape.
pub fn dropout(x: &Tensor, p: f64, train: bool) -> Tensor {
    if train && let Some(kept) = given(&x.size()) {
        return x * (kept.to_kind(x.kind()) / (1.0 - p));
    }
    // Sixteen bits tell no share that is nearer to 0 or 1.
    if !train || !(0.001..0.99).contains(&p) || x.device() != Device::Cpu {
        return x.dropout(p, train);
    }
    // With α = 0, the derivative of the exponential linear unit is the scale where its input is positive, and 0 elsewhere. So this
    // drops and scales in one pass, and its own derivative is the same operation.
    let signs = random_signs(x, p).to_kind(x.kind());
    Tensor::elu_backward(x, 0.0, 1.0 / (1.0 - p), 1.0, false, &signs)
}

/// −1 with probability `p`, else 1, for each element of `x`, in bf16 and in the order in which `x` lies in memory.
///
/// libtorch draws a number for each element on the CPU: one after the other, or with Intel's MKL on all cores, 32 bits for each. Here
/// it draws a single number, which is mixed with the numbers 0, 1, 2… into 64 random bits for every four elements.
fn random_signs(x: &Tensor, p: f64) -> Tensor {
    let elements = x.numel() as i64;
    let start = Tensor::empty([1], (Kind::Int64, Device::Cpu)).random_from_(i64::MIN, None);
    let start = start.int64_value(&[0]) as u64;
    let limit = (p * 65536.0).round() as u16;
    let mut signs = vec![0i16; x.numel().next_multiple_of(4)];
    signs.par_chunks_exact_mut(4).enumerate().for_each(|(number, four)| {
        let bits = mix(start.wrapping_add(number as u64));
        for (i, sign) in four.iter_mut().enumerate() {
            let dropped = ((bits >> (16 * i)) as u16) < limit;
            *sign = if dropped { MINUS_ONE } else { ONE };
        }
    });
    let signs = Tensor::from_slice(&signs).view_dtype(Kind::BFloat16).narrow(0, 0, elements);
    let (size, stride) = (x.size(), x.stride());
    let last: i64 = size.iter().zip(&stride).map(|(size, stride)| (size - 1) * stride).sum();
    // Without gaps, in whatever order.
    if last + 1 == elements { signs.as_strided(size, stride, None) } else { signs.view_as(x) }
}

/// The bits of 1 in bf16, and of −1, which has the sign's bit set.
const ONE: i16 = 0x3f80;
const MINUS_ONE: i16 = ONE | i16::MIN;

/// Brings bf16 scores or gradients back to f32, in which losses and statistics are always computed.
pub fn to_f32(x: &Tensor) -> Tensor {
    if x.kind() == Kind::BFloat16 { x.to_kind(Kind::Float) } else { x.shallow_clone() }
}
