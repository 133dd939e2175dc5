//! Fourier transforms of many frames at once, one a lane.
// Plain counted loops over small arrays stay in registers; iterators over them do not always.
#![allow(clippy::needless_range_loop)]

use std::f64::consts::TAU;

use pulp::Simd;

use super::lanes::{Lanes, Real};

/// A transform of complex numbers whose count has no prime factor above 5, in place: one buffer of a block stays in the nearest
/// cache where two do not. It sorts nothing: frequency `k` comes to place `places[k]`.
///
/// # Source
///
/// W. M. Gentleman and G. Sande, Fast Fourier transforms: for fun and profit, AFIPS Fall Joint Computer Conference, 1966.
#[derive(Debug, Clone)]
pub(crate) struct Fourier<T> {
    stages: Vec<Stage<T>>,
    pub(crate) places: Vec<usize>,
}

/// Turns `radix` numbers that lie `groups` apart at a time, in every stretch of `radix * groups`.
#[derive(Debug, Clone)]
struct Stage<T> {
    radix: usize,
    groups: usize,
    /// `radix - 1` a group.
    twiddles: Vec<[T; 2]>,
}

/// The real and the imaginary parts of a block: a vector for each number of a frame.
pub(crate) struct Planes<'a, T> {
    pub(crate) re: &'a mut [T],
    pub(crate) im: &'a mut [T],
}

impl<'a, T> Planes<'a, T> {
    /// The halves of a buffer.
    #[inline(always)]
    pub(crate) fn of(buffer: &'a mut [T]) -> Self {
        let (re, im) = buffer.split_at_mut(buffer.len() / 2);
        Self { re, im }
    }
}

impl<T: Real> Fourier<T> {
    /// A transform of `size` numbers, or none if they have other factors. The roots of unity are those of a multiple of the
    /// size.
    pub(crate) fn new(size: usize, roots: &[[f64; 2]]) -> Option<Self> {
        let (mut stages, mut rest) = (Vec::<Stage<T>>::new(), size);
        while rest > 1 {
            let radix = [8, 4, 5, 3, 2].into_iter().find(|radix| rest.is_multiple_of(*radix))?;
            let groups = rest / radix;
            let twiddles = (0..groups)
                .flat_map(|group| (1..radix).map(move |k| group * k))
                .map(|at| roots[at * (roots.len() / rest)].map(T::rounded))
                .collect();
            stages.push(Stage { radix, groups, twiddles });
            rest = groups;
        }
        let places = stages.iter().rev().fold(vec![0], |inner, &Stage { radix, groups, .. }| {
            inner.iter().flat_map(|at| (0..radix).map(move |k| k * groups + at)).collect()
        });
        Some(Self { stages, places })
    }

    #[inline(always)]
    pub(crate) fn run<S: Simd>(&self, simd: S, planes: &mut Planes<'_, T>) {
        for stage in &self.stages {
            match stage.radix {
                2 => stage.run::<S, 2>(simd, planes),
                3 => stage.run::<S, 3>(simd, planes),
                4 => stage.run::<S, 4>(simd, planes),
                5 => stage.run::<S, 5>(simd, planes),
                _ => stage.run::<S, 8>(simd, planes),
            }
        }
    }
}

/// `exp(-2 pi i at / of)` for all `at` below `of`. The symmetries of the circle spare three quarters of the cosines, which take
/// as long as some frames.
pub(crate) fn roots(of: usize) -> Vec<[f64; 2]> {
    let angle = |at: usize| TAU * at as f64 / of as f64;
    if !of.is_multiple_of(4) {
        return (0..of).map(|at| [angle(at).cos(), -angle(at).sin()]).collect();
    }
    let quarter = of / 4;
    let cosines: Vec<f64> = (0..quarter).map(|at| angle(at).cos()).chain([0.0]).collect();
    let first = cosines.iter().zip(cosines.iter().rev()).take(quarter);
    let first: Vec<[f64; 2]> = first.map(|(cos, sin)| [*cos, -sin]).collect();
    let mut roots = Vec::with_capacity(of);
    for turn in 0..4 {
        roots.extend(first.iter().map(|&[re, im]| match turn {
            0 => [re, im],
            1 => [im, -re],
            2 => [-re, -im],
            _ => [-im, re],
        }));
    }
    roots
}

/// A complex number of each frame.
pub(crate) struct Complex<S: Simd, T: Real> {
    pub(crate) re: Lanes<S, T>,
    pub(crate) im: Lanes<S, T>,
}

impl<S: Simd, T: Real> Clone for Complex<S, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd, T: Real> Copy for Complex<S, T> {}

impl<S: Simd, T: Real> Complex<S, T> {
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    #[inline(always)]
    pub(crate) fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    /// `self - i other`.
    #[inline(always)]
    fn minus_i(self, other: Self) -> Self {
        Self { re: self.re + other.im, im: self.im - other.re }
    }

    /// `self + i other`.
    #[inline(always)]
    fn plus_i(self, other: Self) -> Self {
        Self { re: self.re - other.im, im: self.im + other.re }
    }

    #[inline(always)]
    fn scaled(self, factor: T) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    #[inline(always)]
    pub(crate) fn times(self, [re, im]: &[T; 2]) -> Self {
        Self { re: self.re * *re - self.im * *im, im: self.re * *im + self.im * *re }
    }

    /// The square of the absolute value.
    #[inline(always)]
    pub(crate) fn power(self) -> Lanes<S, T> {
        self.re * self.re + self.im * self.im
    }
}

impl<T: Real> Stage<T> {
    #[inline(always)]
    fn run<S: Simd, const R: usize>(&self, simd: S, planes: &mut Planes<'_, T>) {
        let groups = self.groups;
        let (re, im) = (T::vectors_mut::<S>(planes.re), T::vectors_mut::<S>(planes.im));
        let lanes = |re, im| -> Complex<S, T> {
            Complex { re: Lanes::new(simd, re), im: Lanes::new(simd, im) }
        };
        if groups == 1 {
            let stretches = re.as_chunks_mut::<R>().0.iter_mut().zip(im.as_chunks_mut::<R>().0);
            for (re, im) in stretches {
                let mut x = [lanes(re[0], im[0]); R];
                for j in 0..R {
                    x[j] = lanes(re[j], im[j]);
                }
                let y = butterfly(x);
                for k in 0..R {
                    (re[k], im[k]) = (y[k].re.vector, y[k].im.vector);
                }
            }
            return;
        }
        let stretches = re.chunks_exact_mut(R * groups).zip(im.chunks_exact_mut(R * groups));
        for (re, im) in stretches {
            for (p, twiddles) in self.twiddles.chunks_exact(R - 1).enumerate() {
                let mut x = [lanes(re[p], im[p]); R];
                for j in 1..R {
                    x[j] = lanes(re[p + groups * j], im[p + groups * j]);
                }
                let y = butterfly(x);
                (re[p], im[p]) = (y[0].re.vector, y[0].im.vector);
                for k in 1..R {
                    let y = y[k].times(&twiddles[k - 1]);
                    (re[p + groups * k], im[p + groups * k]) = (y.re.vector, y.im.vector);
                }
            }
        }
    }
}

#[inline(always)]
fn butterfly<S: Simd, T: Real, const R: usize>(x: [Complex<S, T>; R]) -> [Complex<S, T>; R] {
    let mut y = x;
    match R {
        2 => {
            let [a, b] = two(x[0], x[1]);
            (y[0], y[1]) = (a, b);
        }
        3 => {
            let [a, b, c] = three([x[0], x[1], x[2]]);
            (y[0], y[1], y[2]) = (a, b, c);
        }
        4 => {
            let [a, b, c, d] = four([x[0], x[1], x[2], x[3]]);
            (y[0], y[1], y[2], y[3]) = (a, b, c, d);
        }
        5 => {
            let [a, b, c, d, e] = five([x[0], x[1], x[2], x[3], x[4]]);
            (y[0], y[1], y[2], y[3], y[4]) = (a, b, c, d, e);
        }
        _ => {
            let even = four([x[0], x[2], x[4], x[6]]);
            let odd = four([x[1], x[3], x[5], x[7]]);
            let half = T::rounded(std::f64::consts::FRAC_1_SQRT_2);
            let turn = |v: Complex<S, T>| Complex { re: v.re + v.im, im: v.im - v.re };
            let back = |v: Complex<S, T>| Complex { re: v.im - v.re, im: v.re + v.im };
            [y[0], y[4]] = two(even[0], odd[0]);
            [y[1], y[5]] = two(even[1], turn(odd[1]).scaled(half));
            (y[2], y[6]) = (even[2].minus_i(odd[2]), even[2].plus_i(odd[2]));
            let last = back(odd[3]).scaled(half);
            y[3] = Complex { re: even[3].re + last.re, im: even[3].im - last.im };
            y[7] = Complex { re: even[3].re - last.re, im: even[3].im + last.im };
        }
    }
    y
}

#[inline(always)]
fn two<S: Simd, T: Real>(a: Complex<S, T>, b: Complex<S, T>) -> [Complex<S, T>; 2] {
    [a.plus(b), a.minus(b)]
}

#[inline(always)]
fn three<S: Simd, T: Real>(x: [Complex<S, T>; 3]) -> [Complex<S, T>; 3] {
    let [sum, difference] = two(x[1], x[2]);
    let middle = x[0].minus(sum.scaled(T::rounded(0.5)));
    let side = difference.scaled(T::rounded(SIN_60));
    [x[0].plus(sum), middle.minus_i(side), middle.plus_i(side)]
}

#[inline(always)]
fn four<S: Simd, T: Real>(x: [Complex<S, T>; 4]) -> [Complex<S, T>; 4] {
    let [a, b] = two(x[0], x[2]);
    let [c, d] = two(x[1], x[3]);
    [a.plus(c), b.minus_i(d), a.minus(c), b.plus_i(d)]
}

#[inline(always)]
fn five<S: Simd, T: Real>(x: [Complex<S, T>; 5]) -> [Complex<S, T>; 5] {
    let [root, sin_1, sin_2] = [ROOT_5_BY_4, SIN_72, SIN_144].map(T::rounded);
    let [a, b] = two(x[1], x[4]);
    let [c, d] = two(x[2], x[3]);
    let sum = a.plus(c);
    // The cosines of 72 and 144 degrees are -1/4 and plus or minus a quarter of the root of 5.
    let middle = x[0].minus(sum.scaled(T::rounded(0.25)));
    let [near, far] = two(middle, a.minus(c).scaled(root));
    let near_side = b.scaled(sin_1).plus(d.scaled(sin_2));
    let far_side = b.scaled(sin_2).minus(d.scaled(sin_1));
    [
        x[0].plus(sum),
        near.minus_i(near_side),
        far.minus_i(far_side),
        far.plus_i(far_side),
        near.plus_i(near_side),
    ]
}

const SIN_60: f64 = 0.866_025_403_784_438_6;
const ROOT_5_BY_4: f64 = 0.559_016_994_374_947_5;
const SIN_72: f64 = 0.951_056_516_295_153_5;
const SIN_144: f64 = 0.587_785_252_292_473_1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::lanes::Aligned;
    use pulp::{Arch, WithSimd};

    /// Numbers of lane `lane` at place `at`.
    fn number(lane: usize, at: usize) -> [f64; 2] {
        let angle = (lane * 31 + at * at * 7 + at) as f64;
        [angle.sin(), (1.3 * angle).cos()]
    }

    struct Case<T>(usize, std::marker::PhantomData<T>);

    impl<T: Real> WithSimd for Case<T> {
        type Output = f64;

        /// Largest error of the transforms of all lanes against the textbook.
        fn with_simd<S: Simd>(self, simd: S) -> f64 {
            let size = self.0;
            let lanes = T::lanes::<S>();
            let mut buffer = Aligned::<T>::zeros(2 * size * lanes);
            let mut planes = Planes::of(buffer.get());
            for at in 0..size {
                for lane in 0..lanes {
                    let [re, im] = number(lane, at).map(T::rounded);
                    planes.re[at * lanes + lane] = re;
                    planes.im[at * lanes + lane] = im;
                }
            }
            let fourier = Fourier::new(size, &roots(size)).unwrap();
            fourier.run(simd, &mut planes);
            let mut worst = 0.0_f64;
            for lane in [0, lanes - 1] {
                for k in 0..size {
                    let (mut re, mut im) = (0.0, 0.0);
                    for at in 0..size {
                        let angle = -TAU * ((k * at) % size) as f64 / size as f64;
                        let [x, y] = number(lane, at).map(|v| T::rounded(v).into());
                        re += x * angle.cos() - y * angle.sin();
                        im += x * angle.sin() + y * angle.cos();
                    }
                    let found = fourier.places[k] * lanes + lane;
                    worst = worst.max((planes.re[found].into() - re).abs());
                    worst = worst.max((planes.im[found].into() - im).abs());
                }
            }
            worst
        }
    }

    #[test]
    fn every_size_of_the_factors_2_3_and_5_is_the_textbooks_transform() {
        let mut sizes = 0;
        for size in 1..=300 {
            let mut rest = size;
            for factor in [2, 3, 5] {
                while rest % factor == 0 {
                    rest /= factor;
                }
            }
            assert_eq!(Fourier::<f64>::new(size, &roots(size)).is_some(), rest == 1, "{size}");
            if rest == 1 {
                // The root of the mean square of a bin is that of the size.
                let scale = (size as f64).sqrt();
                let double = Arch::new().dispatch(Case::<f64>(size, std::marker::PhantomData));
                assert!(double < 3e-15 * scale * scale.max(4.0), "{size}: {double:e}");
                let single = Arch::new().dispatch(Case::<f32>(size, std::marker::PhantomData));
                assert!(single < 1e-6 * scale, "{size}: {single:e}");
                sizes += 1;
            }
        }
        assert_eq!(sizes, 55);
    }

    #[test]
    fn the_roots_of_unity_are_those_of_the_angles() {
        for of in [1, 2, 3, 4, 6, 8, 10, 12, 400, 402, 1000] {
            let found = roots(of);
            assert_eq!(found.len(), of);
            for (at, [re, im]) in found.into_iter().enumerate() {
                let angle = TAU * at as f64 / of as f64;
                let error = (re - angle.cos()).abs().max((im + angle.sin()).abs());
                // An angle up to 2 pi is rounded by half of 8.9e-16.
                assert!(error < 1e-15, "{at} of {of}: {error:e}");
            }
        }
    }
}
