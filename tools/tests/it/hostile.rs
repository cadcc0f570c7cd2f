//! A well-behaved client alone and beside attackers: that all of it runs and is told. How long anything took is not looked at.

use crate::recorded::tool;

#[test]
fn a_well_behaved_client_is_measured_alone_and_beside_attackers() {
    let said = tool([
        "hostile",
        "--rounds",
        "1",
        "--seconds",
        "2",
        "--orders-per-second",
        "20",
        "--strangers",
        "30",
        "--logins-per-second",
        "50",
        "--hostile-per-second",
        "2000",
    ]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for words in [
        "1 alone",
        "1 beside the attackers",
        "beside / alone = ",
        "attackers of round 1: the hostile client sent",
    ] {
        assert!(said.out.contains(words), "{words:?} is missing in\n{}", said.out);
    }
    let did = said.out.lines().find(|line| line.starts_with("attackers")).expect("what they did");
    for nothing in ["sent 0/s", "connected 0 times", "strangers connected 0/s", "invented logins 0/s"] {
        assert!(!did.contains(nothing), "{did}");
    }
}
