//! Those of one class who wait to be looked at.

use super::Question;
use super::standing::Member;
use crate::wire::soup::Username;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Questions of one class that wait at most.
pub const WAITING_MAX: usize = 1024;

/// The questions, in the order in which they came.
#[derive(Default)]
pub struct Line(VecDeque<Question>);

impl Line {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Lets a question wait. When there are too many, gives back the one that is not looked at: the newest of the name under
    /// which most wait.
    pub fn push(&mut self, question: Question) -> Option<Question> {
        self.0.push_back(question);
        if self.0.len() <= WAITING_MAX {
            return None;
        }
        let mut counts: HashMap<Username, usize> = HashMap::new();
        self.0.iter().for_each(|one| *counts.entry(one.request.username).or_default() += 1);
        let most = counts.values().copied().max();
        let of_most = |one: &Question| counts.get(&one.request.username).copied() == most;
        self.0.iter().rposition(of_most).and_then(|at| self.0.remove(at))
    }

    /// Forgets those whose connections are gone; how many.
    pub fn prune(&mut self) -> usize {
        let before = self.0.len();
        self.0.retain(|question| !question.inquiry.is_withdrawn());
        before - self.0.len()
    }

    /// The question to look at next. Names take turns; under one name addresses do; of one address it is the first. Those whose
    /// time has not come are passed over.
    pub fn next(&mut self, members: &HashMap<Username, Member>, now: u64) -> Option<Question> {
        let rank = |question: &Question| {
            let member = members.get(&question.request.username);
            let turn = member.map_or(0, |member| member.turn);
            let is_last = member.is_some_and(|member| member.last_origin == Some(question.origin));
            (turn, is_last)
        };
        let ready = self.0.iter().enumerate().filter(|(_, question)| question.ready <= now);
        let (_, at) = ready.map(|(at, question)| (rank(question), at)).min()?;
        self.0.remove(at)
    }

    /// Lets those go ahead who waited for the failures under this name from this address.
    pub fn hurry(&mut self, name: Username, origin: IpAddr, now: u64) {
        for question in &mut self.0 {
            if question.request.username == name && question.origin == origin {
                question.ready = question.ready.min(now);
            }
        }
    }
}
