//! What the system allows: files are for their owner alone, a reader needs no right to write, and too few descriptors refuse a start.

use super::{Done, Place, assert_says, trade, traded};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Orders that nobody may see, password hashes of no use to anybody else: all of it is the engine's user's alone.
#[test]
fn everything_that_is_made_is_for_its_owner_alone() {
    let place = Place::new();
    place.configure(|text| text.replace("path = \"dojima.sqlite\"", "path = \"sql/deep/dojima.sqlite\""));
    let server = place.serve();
    trade(server.address, "ALICE", b'S', 2);
    let mut folders = vec![place.data()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        // The way to a database is as any other; nobody gets as far as that.
        if !folder.ends_with("sql") {
            assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        }
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                // Spares are made and renamed meanwhile.
                false if !path.exists() => {}
                false => {
                    assert_eq!(mode(&path), 0o600, "{}", path.display());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 8, "journal, events, market data, database and what is beside it: {seen}");
    assert_eq!(server.terminate().code, Some(0));
}

/// Gives everything below `dir` these modes.
fn set_modes(dir: &Path, folder: u32, file: u32) {
    fs::set_permissions(dir, fs::Permissions::from_mode(folder | 0o200)).expect("set");
    for path in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        match path.is_dir() {
            true => set_modes(&path, folder, file),
            false => fs::set_permissions(&path, fs::Permissions::from_mode(file)).expect("set"),
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(folder)).expect("set");
}

/// `verify` by a user who may read all of it and write none.
fn verify_as_a_reader(place: &Place) -> Done {
    const NOBODY: u32 = 65_534;
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o755)).expect("set");
    set_modes(&place.data(), 0o555, 0o444);
    let program = place.dir.path().join("dojima");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_dojima"), &program).expect("copied");
    }
    let mut command = Command::new(program);
    command.args(place.arguments("verify")).env_remove("RUST_LOG").stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let done = command.output().expect("the program runs").into();
    set_modes(&place.data(), 0o700, 0o600);
    done
}

#[test]
fn verify_reads_a_stopped_directory_as_a_user_who_may_write_nothing() {
    let place = traded();
    assert!(!place.data().join("dojima.sqlite-shm").exists(), "nothing is left of the write-ahead log");
    let verified = verify_as_a_reader(&place);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    assert_says(
        &verified.stdout,
        "every event is there; 15 balances as replayed, 2 of them 0 and without a row",
    );
    assert_says(&verified.stdout, "starts from the snapshot of command 31");

    // After a kill the file alone is not what the database says.
    fs::write(place.data().join("dojima.sqlite-wal"), [1; 5_000]).expect("written");
    let refused = verify_as_a_reader(&place);
    assert_eq!(refused.code, Some(1), "{}{}", refused.stdout, refused.stderr);
    assert_says(&refused.stdout, "cannot be read by a user who may not write its directory");
}

/// A start that the system does not allow as many descriptors as it may need changes nothing.
#[test]
fn too_few_descriptors_refuse_the_start() {
    let place = Place::new();
    let mut arguments = place.arguments("serve");
    arguments.extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 500 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_dojima")]).args(&arguments);
    let refused = Done::from(shell.stdin(Stdio::null()).output().expect("a shell"));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for said in ["the system allows 500", "LimitNOFILE", "gateway.connections_max"] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    assert!(!place.data().exists());
}
