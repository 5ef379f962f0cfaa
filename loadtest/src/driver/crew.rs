//! The crew of workers as the main thread sees it: start them, give orders, take their histories.
//!
//! Promises: every thread that was started has ended when `finish` returns.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::live::Live;
use super::worker::Worker;
use crate::candidate::Habits;
use crate::client::{PoolIds, Target, Texts, Tokens};
use crate::history::{History, PoolIndex};
use crate::world::World;

/// What a crew is told before it starts.
pub struct Orders {
    /// The run's name, a part of its idempotency keys.
    pub run: String,
    /// The server.
    pub target: Target,
    /// The world.
    pub world: Arc<World>,
    /// The candidates' tokens, in the order of the world's candidates.
    pub tokens: Tokens,
    /// What candidates do.
    pub habits: Habits,
    /// The seed.
    pub seed: u64,
    /// Worker threads.
    pub workers: usize,
    /// Connections of all workers together.
    pub connections: usize,
    /// How long a client waits for an answer.
    pub limit: Duration,
    /// Whether a candidate who arrives again claims again.
    pub arrive_again: bool,
}

/// What all workers read.
pub(super) struct Shared {
    pub(super) epoch: Instant,
    pub(super) run: String,
    pub(super) target: Target,
    pub(super) world: Arc<World>,
    pub(super) texts: Texts,
    pub(super) pools: PoolIds,
    pub(super) habits: Habits,
    pub(super) workers: usize,
    pub(super) connections_each: usize,
    pub(super) limit: Duration,
    pub(super) arrive_again: bool,
    pub(super) live: Vec<Live>,
    pub(super) stop: AtomicBool,
}

enum Order {
    OpenConnections(oneshot::Sender<std::io::Result<u64>>),
    WarmUp(oneshot::Sender<std::io::Result<u64>>),
    Surge {
        arrivals: Vec<(u64, u32)>,
        until_us: u64,
        done: oneshot::Sender<std::io::Result<u64>>,
    },
}

/// The workers.
pub struct Crew {
    shared: Arc<Shared>,
    orders: Vec<mpsc::UnboundedSender<Order>>,
    threads: Vec<JoinHandle<std::io::Result<History>>>,
}

impl Crew {
    /// Starts the threads; they wait for orders.
    pub fn start(orders: Orders) -> std::io::Result<Self> {
        let pools = (0..).zip(&orders.world.pools);
        let workers = orders.workers.max(1);
        let shared = Arc::new(Shared {
            epoch: Instant::now(),
            texts: Texts::new(&orders.run, orders.target, &orders.world, orders.tokens),
            run: orders.run,
            target: orders.target,
            pools: pools
                .map(|(at, pool)| (pool.id.as_str().into(), PoolIndex(at)))
                .collect(),
            world: orders.world,
            habits: orders.habits,
            workers,
            connections_each: orders.connections.div_ceil(workers).max(1),
            limit: orders.limit,
            arrive_again: orders.arrive_again,
            live: (0..workers).map(|_| Live::default()).collect(),
            stop: AtomicBool::new(false),
        });
        let mut crew = Self {
            shared,
            orders: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..workers {
            let (sender, receiver) = mpsc::unbounded_channel();
            let shared = Arc::clone(&crew.shared);
            let dice = ChaCha8Rng::seed_from_u64(orders.seed ^ (number as u64 + 1) << 32);
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || work(shared, number, dice, receiver))?;
            crew.orders.push(sender);
            crew.threads.push(thread);
        }
        Ok(crew)
    }

    /// The workers' counters.
    pub fn live(&self) -> &[Live] {
        &self.shared.live
    }

    /// Microseconds since the run began, as in the history.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.shared.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Tells the workers to finish what is under way and begin nothing new.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Opens all connections.
    pub async fn open_connections(&self) -> std::io::Result<u64> {
        self.order(|_, done| Order::OpenConnections(done)).await
    }

    /// Brings all candidates to their enrolment; how many succeeded.
    pub async fn warm_up(&self) -> std::io::Result<u64> {
        self.order(|_, done| Order::WarmUp(done)).await
    }

    /// Lets candidates arrive at these instants and live until the end; instants as in the history.
    pub async fn surge(&self, arrivals: &[(u64, u32)], until_us: u64) -> std::io::Result<u64> {
        let workers = self.shared.workers;
        let mut shares = vec![Vec::new(); workers];
        for &(at_us, candidate) in arrivals {
            let place = candidate / u32::try_from(workers).unwrap_or(1);
            let share: &mut Vec<(u64, u32)> = &mut shares[candidate as usize % workers];
            share.push((at_us, place));
        }
        self.order(|number, done| Order::Surge {
            arrivals: std::mem::take(&mut shares[number]),
            until_us,
            done,
        })
        .await
    }

    async fn order(
        &self,
        mut make: impl FnMut(usize, oneshot::Sender<std::io::Result<u64>>) -> Order,
    ) -> std::io::Result<u64> {
        let ended = || std::io::Error::other("a worker thread has ended");
        let mut waiting = Vec::new();
        for (number, orders) in self.orders.iter().enumerate() {
            let (sender, receiver) = oneshot::channel();
            orders.send(make(number, sender)).map_err(|_| ended())?;
            waiting.push(receiver);
        }
        let mut sum = 0;
        for receiver in waiting {
            sum += receiver.await.map_err(|_| ended())??;
        }
        Ok(sum)
    }

    /// Ends the threads and joins their histories.
    pub fn finish(self) -> std::io::Result<History> {
        drop(self.orders);
        let mut history = History::new(self.shared.run.clone());
        for pool in &self.shared.world.pools {
            history.pool(&pool.id);
        }
        for thread in self.threads {
            let part = thread
                .join()
                .map_err(|_| std::io::Error::other("a worker thread panicked"))??;
            history.append(&part);
        }
        Ok(history)
    }
}

fn work(
    shared: Arc<Shared>,
    number: usize,
    dice: ChaCha8Rng,
    mut orders: mpsc::UnboundedReceiver<Order>,
) -> std::io::Result<History> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let worker = Rc::new(Worker::new(shared, number, dice)?);
        while let Some(order) = orders.recv().await {
            // Whoever gave the order may have gone (Ctrl-C): then nobody waits for the result.
            let _ = match order {
                Order::OpenConnections(done) => {
                    let count = worker.shared.connections_each;
                    let opened = worker.connections.open_ahead(count).await;
                    done.send(opened.map(|()| count as u64))
                }
                Order::WarmUp(done) => done.send(Ok(Rc::clone(&worker).warm_up().await)),
                Order::Surge {
                    arrivals,
                    until_us,
                    done,
                } => {
                    let ended = Rc::clone(&worker).surge(arrivals, until_us).await;
                    done.send(ended.map(|()| 0))
                }
            };
        }
        Ok(worker.take_history())
    })
}
