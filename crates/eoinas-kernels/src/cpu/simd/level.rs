//! The widest kind of vector that the CPU has, chosen at run time.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::portable::Portable;
use super::vector::Kernel;
#[cfg(target_arch = "x86_64")]
use super::x86;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// A kind of vector that this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Kind);

/// One of [`Level::available`], for the whole process; none of them: the widest.
static CHOSEN: AtomicUsize = AtomicUsize::new(usize::MAX);

thread_local! {
    static OVERRIDE: Cell<Option<Level>> = const { Cell::new(None) };
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "AVX-512",
        })
    }
}

impl Level {
    /// All kinds that this CPU has, narrowest first. Never empty.
    pub fn available() -> &'static [Self] {
        static LEVELS: OnceLock<Vec<Level>> = OnceLock::new();
        LEVELS.get_or_init(|| {
            #[allow(unused_mut)]
            let mut levels = vec![Self(Kind::Portable)];
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    levels.push(Self(Kind::Avx2));
                    if is_x86_feature_detected!("avx512f") {
                        levels.push(Self(Kind::Avx512));
                    }
                }
            }
            levels
        })
    }

    /// Its name where settings and records have it: `portable`, `avx2`, `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    /// The kind of this name, if this CPU has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::available().iter().copied().find(|level| level.name() == name)
    }

    /// Has all kernels of this process use this kind from now on, instead of the widest.
    pub fn choose(self) {
        let index = Self::available().iter().position(|&level| level == self);
        CHOSEN.store(index.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// The kind that kernels called from this thread use: the one given to [`Level::scope`], else that of
    /// [`Level::choose`], else the widest. Other threads do not see the first: ask before going parallel.
    pub fn current() -> Self {
        let levels = Self::available();
        let of_process = || levels.get(CHOSEN.load(Ordering::Relaxed)).or(levels.last()).copied();
        OVERRIDE.get().or_else(of_process).unwrap_or(Self(Kind::Portable))
    }

    /// Runs `f` with this kind in use for the kernels that it calls from this thread. For tests and comparisons.
    pub fn scope<T>(self, f: impl FnOnce() -> T) -> T {
        struct Restore(Option<Level>);
        impl Drop for Restore {
            fn drop(&mut self) {
                OVERRIDE.set(self.0);
            }
        }
        let _restore = Restore(OVERRIDE.replace(Some(self)));
        f()
    }

    /// Runs a kernel with this kind of vector.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => kernel.run(Portable),
            // SAFETY: a `Level` other than `Portable` is only made by `available`, which has asked the CPU.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::run_avx512(kernel) },
        }
    }
}
