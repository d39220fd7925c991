//! One direction of one connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::link::Order;
use super::traffic::Traffic;
use super::weather::{Lane, Way, Weather};

/// As many pieces are on the way at most; then the sender feels it.
const PIECES: usize = 256;
const PIECE_BYTES: usize = 16 << 10;

/// A piece of the stream, or how it ended.
enum Piece {
    Bytes(Vec<u8>),
    End(Ended),
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// In order.
    Closed,
    /// One side was gone.
    Reset,
}

/// What a direction is subject to.
pub(super) struct Course {
    pub(super) way: Way,
    pub(super) weather: watch::Receiver<Weather>,
    pub(super) order: watch::Receiver<Option<Order>>,
    pub(super) traffic: Traffic,
}

impl Course {
    fn lane(&self) -> Lane {
        self.weather.borrow().lane(self.way)
    }
}

/// What is done with what arrives.
pub(super) trait Gate {
    /// What ends the link early.
    type Stop;
    /// Takes in a piece of the stream; what is left of it is passed on.
    fn pass(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Self::Stop>;
}

/// Passes on what comes, as the weather allows, to the end of the stream. After the end of one
/// direction the other goes on.
pub(super) async fn pump<G: Gate>(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    course: Course,
    gate: &mut G,
) -> Result<Ended, G::Stop> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let traffic = course.traffic.clone();
    let reading = async {
        read(from, sender, &traffic).await;
        // Who reads has nothing to say; the end travels with the bytes.
        std::future::pending().await
    };
    tokio::select! {
        ended = write(to, course, gate, receiver) => ended,
        ended = reading => ended,
    }
}

async fn read(from: &mut OwnedReadHalf, queue: mpsc::Sender<(Instant, Piece)>, traffic: &Traffic) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let piece = match from.read(&mut buffer).await {
            Ok(0) => Piece::End(Ended::Closed),
            Ok(bytes) => Piece::Bytes(buffer[..bytes].to_vec()),
            Err(_) => Piece::End(Ended::Reset),
        };
        traffic.came();
        let last = matches!(piece, Piece::End(_));
        // Nobody takes it any more once the link has ended.
        if queue.send((Instant::now(), piece)).await.is_err() || last {
            return;
        }
    }
}

async fn write<G: Gate>(
    to: &mut OwnedWriteHalf,
    mut course: Course,
    gate: &mut G,
    mut queue: mpsc::Receiver<(Instant, Piece)>,
) -> Result<Ended, G::Stop> {
    let (mut carried, mut next) = (0, None);
    while let Some((sent, piece)) = match next.take() {
        Some(next) => Some(next),
        None => queue.recv().await,
    } {
        let piece = match piece {
            Piece::Bytes(bytes) => Piece::Bytes(gathered(bytes, &course, &mut queue, &mut next).await),
            end @ Piece::End(_) => end,
        };
        sleep_until(sent + course.lane().delay).await;
        // In a hole not even the end of a connection is seen.
        let way = course.way;
        if course.weather.wait_for(|weather| !weather.lane(way).hole).await.is_err() {
            return Ok(Ended::Reset);
        }
        // Who cut the link and then ended the hole must not see delivered what was in it.
        if course.order.borrow().is_some() {
            std::future::pending::<()>().await;
        }
        match piece {
            Piece::Bytes(bytes) => {
                let bytes = gate.pass(bytes)?;
                let left = course.lane().ends_after.map(|most| usize::try_from(most - carried.min(most)).unwrap());
                let last = left.filter(|left| *left <= bytes.len());
                carried += bytes.len() as u64;
                if in_pieces(to, &bytes[..last.unwrap_or(bytes.len())], &course).await.is_err() || last.is_some() {
                    return Ok(Ended::Reset);
                }
            }
            Piece::End(Ended::Closed) => {
                // Who does not hear it is gone already.
                let _ = to.shutdown().await;
                return Ok(Ended::Closed);
            }
            Piece::End(Ended::Reset) => return Ok(Ended::Reset),
        }
    }
    Ok(Ended::Reset)
}

/// These bytes with all that comes in time to be passed on with them. What ends it is the next piece.
async fn gathered(
    mut bytes: Vec<u8>,
    course: &Course,
    queue: &mut mpsc::Receiver<(Instant, Piece)>,
    next: &mut Option<(Instant, Piece)>,
) -> Vec<u8> {
    let time = course.lane().gathers;
    if !time.is_zero() {
        sleep(time).await;
        while let Ok((sent, piece)) = queue.try_recv() {
            match piece {
                Piece::Bytes(more) => bytes.extend(more),
                end @ Piece::End(_) => *next = Some((sent, end)),
            }
        }
    }
    bytes
}

async fn in_pieces(to: &mut OwnedWriteHalf, bytes: &[u8], course: &Course) -> std::io::Result<()> {
    let size = course.lane().piece.unwrap_or(usize::MAX).clamp(1, bytes.len().max(1));
    for piece in bytes.chunks(size) {
        slowly(to, piece, course).await?;
        if size < bytes.len() {
            // Or else the system would put them together again.
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn slowly(to: &mut OwnedWriteHalf, mut bytes: &[u8], course: &Course) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let Some(rate) = course.lane().rate else { return to.write_all(bytes).await };
        // Twenty steps a second are smooth enough.
        let step = usize::try_from(rate / 20).unwrap_or(usize::MAX).clamp(1, bytes.len());
        let (now, later) = bytes.split_at(step);
        to.write_all(now).await?;
        #[expect(clippy::cast_precision_loss, reason = "a pace needs no precision")]
        sleep(Duration::from_secs_f64(step as f64 / rate.max(1) as f64)).await;
        bytes = later;
    }
    Ok(())
}
