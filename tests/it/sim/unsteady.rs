//! Files as the engine sees them: those of the simulated disk, but that now and then the system cannot do what is asked for
//! the moment. The simulation itself reads the disk without that.
//!
//! A sync is never struck: its error would not pass.

use super::random::Random;
use dojima_journal::JournalError;
use dojima_journal::NotSynced;
use dojima_journal::storage::{LockGuard, ReadAt, Region, Storage, WriteAt, Writing};
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// The system's numbers for: a signal, no memory, no file, no descriptor.
pub const ERRNOS: [i32; 4] = [4, 12, 23, 24];

/// Decides which calls fail; clones are the same.
#[derive(Clone, Debug)]
pub struct Dice(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: Random,
    /// Once in so many calls; 0: never.
    once_in: u64,
    struck: u64,
}

impl Dice {
    /// At first no call fails.
    pub fn new(random: Random) -> Self {
        Self(Arc::new(Mutex::new(State { random, once_in: 0, struck: 0 })))
    }

    /// From now on one in so many calls fails; 0: none.
    pub fn set(&self, once_in: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).once_in = once_in;
    }

    /// How many calls failed since this was last asked.
    pub fn take_struck(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).struck)
    }

    fn roll(&self) -> io::Result<()> {
        let state = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.once_in == 0 || !state.random.once_in(state.once_in) {
            return Ok(());
        }
        state.struck += 1;
        Err(io::Error::from_raw_os_error(state.random.pick(&ERRNOS)))
    }
}

/// Files that are had now and then only.
#[derive(Debug)]
pub struct Unsteady {
    pub files: Arc<dyn Storage>,
    pub dice: Dice,
}

#[derive(Debug)]
struct UnsteadyFile {
    file: Box<dyn ReadAt>,
    dice: Dice,
}

impl ReadAt for UnsteadyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.dice.roll()?;
        self.file.read_at(buffer, offset)
    }
}

/// A segment that takes a part of what is written, or nothing.
#[derive(Debug)]
struct UnsteadyWrites {
    file: Arc<dyn WriteAt>,
    dice: Dice,
}

impl WriteAt for UnsteadyWrites {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.dice.roll() {
            Ok(()) => self.file.write_at(bytes, offset),
            // Whatever it is, some of it may have been done before.
            Err(error) if bytes.len() < 2 => Err(error),
            Err(error) if error.raw_os_error() == Some(ERRNOS[0]) => {
                self.file.write_at(&bytes[..bytes.len() / 2], offset)
            }
            Err(error) => Err(error),
        }
    }

    fn sync(&self, range: Range<u64>) -> io::Result<()> {
        self.file.sync(range)
    }

    fn start_write_back(&self, range: Range<u64>) {
        self.file.start_write_back(range);
    }
}

impl Storage for Unsteady {
    fn prepare(&self) -> io::Result<()> {
        self.dice.roll()?;
        self.files.prepare()
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
        self.files.lock()
    }

    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        self.dice.roll()?;
        self.files.files()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        self.dice.roll()?;
        Ok(Box::new(UnsteadyFile { file: self.files.open(name)?, dice: self.dice.clone() }))
    }

    fn create(
        &self,
        name: &str,
        bytes: u64,
        start: &[u8],
        writing: Writing,
        cancel: &AtomicBool,
    ) -> io::Result<()> {
        self.dice.roll()?;
        self.files.create(name, bytes, start, writing, cancel)
    }

    fn write(&self, name: &str, fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        self.dice.roll()?;
        self.files.write(name, fill)
    }

    fn open_to_write(&self, name: &str, bytes: u64, writing: Writing) -> io::Result<Region> {
        self.dice.roll()?;
        Ok(match self.files.open_to_write(name, bytes, writing)? {
            Region::Gathered(gathered) => Region::Gathered(gathered.behind(|file| {
                let dice = self.dice.clone();
                Arc::new(UnsteadyWrites { file, dice })
            })),
            other => other,
        })
    }

    fn sync_file(&self, name: &str) -> Result<(), NotSynced> {
        self.dice.roll().map_err(NotSynced::Unopened)?;
        self.files.sync_file(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.dice.roll()?;
        self.files.remove(name)
    }

    fn new_salt(&self) -> u64 {
        self.files.new_salt()
    }

    fn dir(&self) -> &Path {
        self.files.dir()
    }
}
