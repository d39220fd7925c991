//! Answers of the application, kept for a moment, so that a room full of people is one question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cowrite_protocol::frame::Role;
use cowrite_protocol::{DocumentId, UserId};
use tokio::time::Instant;

/// May this user do something with this document, given the token that it shows?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// Who.
    pub(super) user: UserId,
    /// With what.
    pub(super) document: DocumentId,
    /// The name of the token (`jti`): the application may tell one from another.
    pub(super) token: Option<String>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes.
    Role {
        /// As this.
        role: Role,
        /// For so long from now.
        holds: Duration,
    },
    /// No.
    No {
        /// For so long from now.
        holds: Duration,
    },
    /// There was no answer to go by.
    Failed,
}

/// Answers by question. Who asks what is just being asked waits for that answer.
#[derive(Debug, Default)]
pub(super) struct RoleCache(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    slots: HashMap<Question, Arc<Slot>>,
    swept: Option<Instant>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Held by who asks.
    turn: tokio::sync::Mutex<()>,
    kept: Mutex<Option<(Answer, Instant)>>,
}

/// Questions whose answers are kept; more are asked each time.
const MOST: usize = 10_000;

/// Between two searches for answers that hold no more.
const SWEEP: Duration = Duration::from_secs(1);

/// A question that failed is not asked again sooner.
const FAILED_HOLDS: Duration = Duration::from_millis(250);

impl RoleCache {
    /// The answer to a question: one that is kept, or what `ask` brings.
    pub(super) async fn answer<F: Future<Output = Answer>>(
        &self,
        question: &Question,
        ask: impl FnOnce() -> F,
    ) -> Answer {
        let Some(slot) = self.slot(question) else { return ask().await };
        if let Some(answer) = slot.fresh() {
            return answer;
        }
        let _turn = slot.turn.lock().await;
        if let Some(answer) = slot.fresh() {
            return answer;
        }
        let answer = ask().await;
        *slot.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((answer, Instant::now()));
        answer
    }

    fn slot(&self, question: &Question) -> Option<Arc<Slot>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = inner.slots.get(question) {
            return Some(Arc::clone(slot));
        }
        if inner.slots.len() >= MOST {
            if inner.swept.is_some_and(|swept| swept.elapsed() < SWEEP) {
                return None;
            }
            inner.swept = Some(Instant::now());
            inner.slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.fresh().is_some());
            if inner.slots.len() >= MOST {
                return None;
            }
        }
        Some(Arc::clone(inner.slots.entry(question.clone()).or_default()))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).slots.len()
    }
}

impl Slot {
    /// The answer that is kept, with what is left of its time, in the first half of it. In the second
    /// it is asked for anew: who is told of an answer that ends at once would come back at once.
    fn fresh(&self) -> Option<Answer> {
        let (answer, at) = (*self.kept.lock().unwrap_or_else(PoisonError::into_inner))?;
        let age = at.elapsed();
        match answer {
            Answer::Role { role, holds } if age < holds / 2 => Some(Answer::Role { role, holds: holds - age }),
            Answer::No { holds } if age < holds => Some(Answer::No { holds: holds - age }),
            Answer::Failed if age < FAILED_HOLDS => Some(Answer::Failed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::{advance, sleep};

    use super::*;

    const YES: Answer = Answer::Role { role: Role::Editor, holds: Duration::from_secs(4) };

    fn question(document: &str) -> Question {
        Question { user: "ada".parse().unwrap(), document: document.parse().unwrap(), token: None }
    }

    /// Asks, and is answered after a second.
    async fn ask(cache: &RoleCache, document: &str, asked: &Cell<u32>, answer: Answer) -> Answer {
        let slow = || async {
            asked.set(asked.get() + 1);
            sleep(Duration::from_secs(1)).await;
            answer
        };
        cache.answer(&question(document), slow).await
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_questions_are_one_whatever_the_answer() {
        for answer in [YES, Answer::No { holds: Duration::from_secs(1) }, Answer::Failed] {
            let (cache, asked) = (RoleCache::default(), Cell::new(0));
            let answers = futures_util::future::join_all((0..9).map(|_| ask(&cache, "a", &asked, answer))).await;
            assert_eq!((answers, asked.get()), (vec![answer; 9], 1));
            ask(&cache, "b", &asked, answer).await;
            assert_eq!(asked.get(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_half_its_time_and_never_told_as_longer() {
        let (cache, asked) = (RoleCache::default(), Cell::new(0));
        assert_eq!(ask(&cache, "a", &asked, YES).await, YES);
        advance(Duration::from_millis(1_900)).await;
        let rest = Answer::Role { role: Role::Editor, holds: Duration::from_millis(2_100) };
        assert_eq!(ask(&cache, "a", &asked, Answer::Failed).await, rest);
        advance(Duration::from_millis(200)).await;
        assert_eq!(ask(&cache, "a", &asked, Answer::Failed).await, Answer::Failed);
        advance(Duration::from_millis(200)).await;
        assert_eq!(asked.get(), 2);
        assert_eq!(ask(&cache, "a", &asked, YES).await, Answer::Failed);
        advance(Duration::from_millis(100)).await;
        assert_eq!(ask(&cache, "a", &asked, YES).await, YES);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_while_asking_leaves_the_question_to_the_next() {
        let (cache, asked) = (RoleCache::default(), Cell::new(0));
        let first = tokio::time::timeout(Duration::from_millis(500), ask(&cache, "a", &asked, YES));
        let (gone, second) = futures_util::future::join(first, ask(&cache, "a", &asked, YES)).await;
        assert!(gone.is_err());
        assert_eq!((second, asked.get()), (YES, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_grow_without_end() {
        let cache = RoleCache::default();
        for n in 0..MOST + 10 {
            cache.answer(&question(&format!("d{n}")), || async { YES }).await;
        }
        assert_eq!(cache.len(), MOST);
        advance(Duration::from_secs(3)).await;
        cache.answer(&question("another"), || async { YES }).await;
        assert_eq!(cache.len(), 1);
    }
}
