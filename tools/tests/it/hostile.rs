//! A well-behaved client alone and beside attackers: that all of it runs and is told. How long anything took is not looked at.

use std::process::Command;

#[test]
fn a_well_behaved_client_is_measured_alone_and_beside_attackers() {
    let args = ["--rounds", "1", "--seconds", "2", "--orders-per-second", "20"];
    let few = ["--strangers", "30", "--logins-per-second", "50", "--hostile-per-second", "2000"];
    let mut tool = Command::new(env!("CARGO_BIN_EXE_dojima-tools"));
    let output = tool.arg("hostile").args(args).args(few).output().expect("the tool starts");
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""));
    for line in out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["1 alone", "1 beside", "beside / alone = ", "attackers of round 1: the hostile client sent"]
    {
        assert!(out.contains(words), "{words:?} is missing in\n{out}");
    }
    for nothing in ["sent 0/s", "connected 0 times", "strangers connected 0/s", "invented logins 0/s"] {
        assert!(!out.contains(nothing), "{out}");
    }
}
