//! Where the files are, and how figures are printed.

use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// What stays free: a part that would need more ends before.
const KEPT_FREE_MIB: u64 = 2 << 10;

/// A folder that is removed at the end, and the disk that it is on.
pub struct Disk(TempDir);

impl Disk {
    /// Under `$TMPDIR`, or under `target` without it.
    pub fn new() -> Self {
        let place = std::env::var_os("TMPDIR").map_or_else(|| Path::new("target").to_owned(), Into::into);
        fs::create_dir_all(&place).expect("the directory can be made");
        // Absolute, for other processes.
        let place = place.canonicalize().expect("it is there");
        Self(tempfile::tempdir_in(place).expect("a folder"))
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn free_mib(&self) -> u64 {
        let disk = rustix::fs::statvfs(self.folder()).expect("the disk can be asked");
        (disk.f_bavail * disk.f_frsize) >> 20
    }

    /// Whether so much can be written; says so if not.
    pub fn has_room(&self, part: &str, mib: u64) -> bool {
        let free = self.free_mib();
        let enough = self.has(mib);
        if !enough {
            println!(
                "{part}: skipped, it needs {mib} MiB of disk and {KEPT_FREE_MIB} MiB stay free; {free} MiB are"
            );
        }
        enough
    }

    pub fn has(&self, mib: u64) -> bool {
        self.free_mib() >= mib + KEPT_FREE_MIB
    }

    pub fn remove(&self, name: &str) {
        fs::remove_dir_all(self.folder().join(name)).expect("removed");
    }

    /// The type of the filesystem, and its device, from the mount table.
    pub fn describe(&self) -> String {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mounts = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?, words.next()?))
        });
        let holding = mounts.filter(|(_, at, _)| self.folder().starts_with(at));
        let (device, _, kind) = holding.max_by_key(|(_, at, _)| at.len()).unwrap_or(("?", "", "?"));
        format!("{kind} on {device}, {} MiB free", self.free_mib())
    }
}

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("valid bounds")
}

pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub const QUANTILES: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];

/// One contender's rounds.
pub struct Rounds {
    pub name: String,
    pub rounds: Vec<Histogram<u64>>,
}

impl Rounds {
    /// A quantile of every round, µs.
    fn at(&self, quantile: f64) -> Vec<f64> {
        self.rounds.iter().map(|round| round.value_at_quantile(quantile) as f64 / 1e3).collect()
    }

    /// The same divided by another's of the same round.
    fn ratios(&self, to: &Self, quantile: f64) -> Vec<f64> {
        self.at(quantile).into_iter().zip(to.at(quantile)).map(|(ours, theirs)| ours / theirs).collect()
    }
}

/// Quantiles of each contender, and their ratios to those of some of them: the middle of all rounds, and from where to where
/// they went.
pub fn print_rounds(title: &str, all: &[Rounds], floors: &[(&str, usize)]) {
    let names = QUANTILES.map(|(_, name)| name);
    print_cells(&format!("{title}, µs"), names, all, |contender, quantile| {
        spread(&contender.at(quantile), 1)
    });
    for (name, floor) in floors {
        print_cells(&format!("ratio to {name}"), names, all, |contender, quantile| {
            spread(&contender.ratios(&all[*floor], quantile), 2)
        });
    }
}

fn print_cells(title: &str, names: [&str; 3], all: &[Rounds], cell: impl Fn(&Rounds, f64) -> String) {
    let mut table = table(&[&[title], &names[..]].concat());
    for contender in all {
        let cells = QUANTILES.map(|(quantile, _)| cell(contender, quantile));
        table.add_row([std::slice::from_ref(&contender.name), &cells].concat());
    }
    println!("{table}");
}

/// The middle of the values, and their range where there is one.
pub fn spread(values: &[f64], decimals: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return "-".to_owned() };
    let middle = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
    match sorted.len() {
        1 => format!("{middle:.decimals$}"),
        _ => format!("{middle:.decimals$} ({least:.decimals$} to {most:.decimals$})"),
    }
}

pub fn table<S: AsRef<str>>(header: &[S]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header.iter().map(AsRef::as_ref));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Quantiles and the longest, µs.
pub fn quantiles(times: &Histogram<u64>) -> String {
    let at = |quantile| times.value_at_quantile(quantile) as f64 / 1e3;
    format!("p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs, max {:.0} µs", at(0.5), at(0.99), at(0.999), at(1.0))
}
