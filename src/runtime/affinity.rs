//! Pinning threads to cores.

use std::sync::OnceLock;

use core_affinity::CoreId;

/// A core by the operating system's number, as in `/proc/cpuinfo` and `isolcpus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CoreIndex(pub usize);

/// The reason why a thread was not pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AffinityError {
    /// The operating system does not report the available cores.
    #[error("the list of cores is not available on this system")]
    NoCoreList,
    /// The core does not exist or this process may not use it.
    #[error("core {wanted} is not among the cores of this process: {allowed:?}")]
    NotAllowed {
        /// The core asked for.
        wanted: usize,
        /// The cores this process may use.
        allowed: Vec<usize>,
    },
    /// The operating system refused.
    #[error("the system refused to pin a thread to core {0}")]
    Refused(usize),
}

/// The cores that this process may use, in ascending order; empty if the system does not report them.
///
/// The list is read once, before the first pin: later, a pinned thread would see only its own core. Threads must
/// therefore be pinned through this module only.
pub fn available_cores() -> &'static [CoreIndex] {
    static CORES: OnceLock<Vec<CoreIndex>> = OnceLock::new();
    CORES.get_or_init(|| {
        let mut cores: Vec<_> =
            core_affinity::get_core_ids().unwrap_or_default().iter().map(|core| CoreIndex(core.id)).collect();
        cores.sort_unstable();
        cores
    })
}

/// Checks that threads of this process can be pinned to `core`.
///
/// # Errors
/// See [`AffinityError`].
pub fn check(core: CoreIndex) -> Result<(), AffinityError> {
    let allowed = available_cores();
    if allowed.is_empty() {
        return Err(AffinityError::NoCoreList);
    }
    if !allowed.contains(&core) {
        let allowed = allowed.iter().map(|core| core.0).collect();
        return Err(AffinityError::NotAllowed { wanted: core.0, allowed });
    }
    Ok(())
}

/// Pins the calling thread to `core`. Threads that it spawns later inherit this.
///
/// # Errors
/// See [`AffinityError`]; the thread is then not pinned.
pub fn pin_current_thread(core: CoreIndex) -> Result<(), AffinityError> {
    check(core)?;
    if core_affinity::set_for_current(CoreId { id: core.0 }) {
        Ok(())
    } else {
        Err(AffinityError::Refused(core.0))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_may_use_one_core_and_the_list_stays_whole() {
        let before = available_cores().to_vec();
        let last = *before.last().unwrap();
        let seen = std::thread::spawn(move || {
            pin_current_thread(last).unwrap();
            core_affinity::get_core_ids().unwrap().iter().map(|core| CoreIndex(core.id)).collect::<Vec<_>>()
        });
        assert_eq!(seen.join().unwrap(), [last]);
        assert_eq!(available_cores(), before);
    }

    #[test]
    fn a_core_that_is_not_there_is_named() {
        let error = pin_current_thread(CoreIndex(9999)).unwrap_err();
        assert!(error.to_string().starts_with("core 9999 is not among"), "{error}");
    }
}
