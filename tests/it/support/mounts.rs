//! File systems of their own, small enough to fill and to copy, for tests that need a real disk to fail. They need root and
//! loop devices; without those a test says so and does nothing.
//!
//! Everything is unmounted and detached when its guard goes, also when a test panics.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Whether file systems can be mounted here. If not, says on the terminal which test is left out and why.
pub fn can_mount(test: &str) -> bool {
    let probe = || -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        Image::make(&folder.path().join("probe"), 4)
            .and_then(|image| image.mount(&folder.path().join("at")))
            .map(drop)
    };
    match probe() {
        Ok(()) => true,
        Err(why) => {
            // Past the capture of the test harness, which hides what a passing test prints.
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no file system can be mounted here: {why}");
            false
        }
    }
}

/// Runs a program to its end; its first line, or what it complained of.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", shown()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("{}: {}", shown(), String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A sparse file with an ext4 file system in it.
#[derive(Clone)]
pub struct Image(PathBuf);

impl Image {
    /// Makes the file, of this many MiB, and the file system.
    pub fn make(path: &Path, mib: u64) -> Result<Self, String> {
        let file = std::fs::File::create(path).map_err(|error| error.to_string())?;
        file.set_len(mib << 20).map_err(|error| error.to_string())?;
        // All of it is initialised now, so that no kernel thread goes on with that while a test runs.
        let lazy = "lazy_itable_init=0,lazy_journal_init=0";
        run("mkfs.ext4", &["-q", "-F", "-b", "4096", "-m", "0", "-E", lazy, text(path)])?;
        Ok(Self(path.to_owned()))
    }

    /// An image that is there.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Mounts it at this folder, which is made. Mounting an image that was not unmounted recovers it in place.
    pub fn mount(&self, at: &Path) -> Result<Mounted, String> {
        let device = LoopDevice::attach(&self.0)?;
        std::fs::create_dir_all(at).map_err(|error| error.to_string())?;
        run("mount", &["-t", "ext4", text(&device.0), text(at)])?;
        Ok(Mounted { at: at.to_owned(), _device: Some(device) })
    }
}

/// A block device over a file; detached when dropped.
struct LoopDevice(PathBuf);

impl LoopDevice {
    /// With direct I/O, so that a write that the device has taken is in the file and in no second cache.
    fn attach(file: &Path) -> Result<Self, String> {
        let attach = ["--find", "--show", text(file)];
        let direct = run("losetup", &["--direct-io=on", attach[0], attach[1], attach[2]]);
        let device = direct.or_else(|_| run("losetup", &attach))?;
        Ok(Self(PathBuf::from(device)))
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = run("losetup", &["--detach", text(&self.0)]);
    }
}

/// A mounted file system; unmounted when dropped.
pub struct Mounted {
    at: PathBuf,
    _device: Option<LoopDevice>,
}

impl Mounted {
    /// A file system in memory that holds this many KiB.
    pub fn tmpfs(at: &Path, kib: u64) -> Result<Self, String> {
        std::fs::create_dir_all(at).map_err(|error| error.to_string())?;
        run("mount", &["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs", text(at)])?;
        Ok(Self { at: at.to_owned(), _device: None })
    }

    /// Gives a file system in memory another size.
    pub fn resize(&self, kib: u64) {
        run("mount", &["-o", &format!("remount,size={kib}k"), text(&self.at)]).expect("mounted again");
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Lets nothing, or everything, be written from now on.
    pub fn set_read_only(&self, read_only: bool) {
        let options = if read_only { "remount,ro" } else { "remount,rw" };
        run("mount", &["-o", options, text(&self.at)]).expect("mounted again");
    }

    /// Stops all writes to it, at one instant, until the guard goes: writes that are under way end, those that come later
    /// wait. Reading goes on.
    pub fn freeze(&self) -> Frozen<'_> {
        run("fsfreeze", &["--freeze", text(&self.at)]).expect("frozen");
        Frozen(self)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A process that was just killed may still hold files.
        for _ in 0..100 {
            if run("umount", &[text(&self.at)]).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = run("umount", &["--lazy", text(&self.at)]);
    }
}

/// A file system on which no write happens.
pub struct Frozen<'m>(&'m Mounted);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let _ = run("fsfreeze", &["--unfreeze", text(self.0.path())]);
    }
}

/// Copies a file with its holes.
pub fn copy_sparse(from: &Path, to: &Path) {
    run("cp", &["--sparse=always", text(from), text(to)]).expect("copied");
}
