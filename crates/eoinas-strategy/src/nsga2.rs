//! NSGA-II (Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE
//! Transactions on Evolutionary Computation 2002).

use std::sync::Arc;

use eoinas_core::{Cost, Genotype, SearchSpace, Setting, Skeleton};
use rand::{Rng, RngExt};

use crate::evolution::{mutate, pick};
use crate::front::{Point, crowding_distances, ranks};
use crate::{Strategy, StrategyError};

/// NSGA-II: a search by two objectives, the score that it is told and a [`Cost`] that it works out itself, whose result is the
/// [front](crate::front::front) of all that was evaluated.
///
/// The first `population` genotypes are random. Then as many children are asked for as there are parents, and the
/// best of both by non-dominated rank, of one rank by crowding distance, are the next parents. A child's parents are the
/// better ones of two that are drawn, each (binary tournament). With probability `crossover` the child takes every node from
/// either of them, where a node keeps some of its edges (DARTS), or every edge where it keeps all (NAS-Bench-201); it is then
/// mutated as in [`Evolution`](crate::Evolution): one change, what the paper's rate of 1/n a variable comes to on average.
///
/// Not of the paper, as spaces here are small: a child of which parents or children already have a copy is drawn again, up to
/// 100 times.
#[derive(Clone, Debug)]
pub struct Nsga2 {
    space: SearchSpace,
    skeleton: Skeleton,
    cost: Arc<dyn Cost>,
    population: usize,
    crossover: f64,
    /// Random until they are as many as the population has.
    parents: Vec<Member>,
    children: Vec<Member>,
}

/// One that was told.
#[derive(Clone, Debug)]
struct Member {
    genotype: Genotype,
    point: Point,
    rank: usize,
    distance: f64,
}

/// How often a copy is drawn again.
const TRIES: usize = 100;

impl Nsga2 {
    /// Population 20 and crossover with probability 0.9: for budgets of some hundred evaluations. The paper has 100 and 0.9 for
    /// 25,000. `skeleton` is the network that the cells' cost is of.
    pub fn new(space: SearchSpace, skeleton: Skeleton, cost: Arc<dyn Cost>) -> Self {
        Self { space, skeleton, cost, population: 20, crossover: 0.9, parents: Vec::new(), children: Vec::new() }
    }

    /// Another `population`, at least 2, and another probability of `crossover`, 0 to 1.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that does not fit.
    pub fn with_settings(self, population: usize, crossover: f64) -> Result<Self, StrategyError> {
        Setting::check(population >= 2, "nsga2.population", population, "at least 2")?;
        Setting::check((0.0..=1.0).contains(&crossover), "nsga2.crossover", crossover, "a probability from 0 to 1")?;
        Ok(Self { population, crossover, ..self })
    }

    /// The cost of a genotype, which is a number.
    fn cost(&self, genotype: &Genotype) -> Result<f64, StrategyError> {
        let unknown =
            |source| StrategyError::Cost { cost: self.cost.name().to_owned(), genotype: genotype.to_string(), source };
        let cost = self.cost.of(genotype, &self.skeleton, &self.space).map_err(|error| unknown(error.into()))?;
        if cost.is_finite() {
            Ok(cost)
        } else {
            Err(unknown(format!("it is {cost}, which is no finite number").into()))
        }
    }

    fn child(&self, rng: &mut dyn Rng) -> Option<Genotype> {
        let mother = self.tournament(rng)?;
        let child = if rng.random_bool(self.crossover) {
            crossover(mother, self.tournament(rng)?, &self.space, rng)
        } else {
            mother.clone()
        };
        Some(mutate(child, &self.space, rng))
    }

    fn tournament(&self, rng: &mut dyn Rng) -> Option<&Genotype> {
        let (one, other) = (pick(&self.parents, rng)?, pick(&self.parents, rng)?);
        Some(if other.precedes(one) { &other.genotype } else { &one.genotype })
    }

    fn has(&self, genotype: &Genotype) -> bool {
        self.parents.iter().chain(&self.children).any(|member| member.genotype == *genotype)
    }
}

impl Strategy for Nsga2 {
    fn name(&self) -> &str {
        "nsga2"
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        let draw = |rng: &mut dyn Rng| {
            let bred = if self.parents.len() < self.population { None } else { self.child(rng) };
            bred.unwrap_or_else(|| Genotype::random(&self.space, rng))
        };
        let mut asked = draw(rng);
        for _ in 0..TRIES {
            if !self.has(&asked) {
                break;
            }
            asked = draw(rng);
        }
        // `tell` cannot refuse, so that a cost which is not known is said before anything is evaluated.
        self.cost(&asked)?;
        Ok(asked)
    }

    /// A genotype that does not fit the space teaches nothing; one of which the cost is not known counts as the costliest.
    fn tell(&mut self, genotype: &Genotype, score: f64) {
        if genotype.fits(&self.space).is_err() {
            return;
        }
        let point = Point::new(score, self.cost(genotype).unwrap_or(f64::INFINITY));
        let member = Member { genotype: genotype.clone(), point, rank: 0, distance: 0.0 };
        if self.parents.len() < self.population {
            self.parents.push(member);
            if self.parents.len() == self.population {
                self.parents = survivors(std::mem::take(&mut self.parents), self.population);
            }
            return;
        }
        self.children.push(member);
        if self.children.len() == self.population {
            let mut all = std::mem::take(&mut self.parents);
            all.append(&mut self.children);
            self.parents = survivors(all, self.population);
        }
    }
}

impl Member {
    /// The crowded comparison: a lower rank, or the same and a larger distance.
    fn precedes(&self, other: &Self) -> bool {
        (self.rank, -self.distance) < (other.rank, -other.distance)
    }
}

/// The best `count` of these, best first, with their ranks and crowding distances among all.
fn survivors(mut members: Vec<Member>, count: usize) -> Vec<Member> {
    let points: Vec<Point> = members.iter().map(|member| member.point).collect();
    for (member, rank) in members.iter_mut().zip(ranks(&points)) {
        member.rank = rank;
    }
    members.sort_by_key(|member| member.rank);
    for front in members.chunk_by_mut(|a, b| a.rank == b.rank) {
        let points: Vec<Point> = front.iter().map(|member| member.point).collect();
        for (member, distance) in front.iter_mut().zip(crowding_distances(&points)) {
            member.distance = distance;
        }
        front.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    }
    members.truncate(count);
    members
}

/// A child of two genotypes of the space: every node is either parent's, or every edge is where the space's nodes keep all.
fn crossover(mother: &Genotype, father: &Genotype, space: &SearchSpace, rng: &mut dyn Rng) -> Genotype {
    let mut child = mother.clone();
    for ((own, other), spec) in child.cells.iter_mut().zip(&father.cells).zip(space.cells()) {
        for (own, other) in own.nodes.iter_mut().zip(&other.nodes) {
            // A genotype that was told may leave an edge out, and then its node has no edges to be paired.
            let paired = own.len() == other.len() && own.iter().zip(other).all(|(own, other)| own.from == other.from);
            if spec.keep.is_some() || !paired {
                if rng.random_bool(0.5) {
                    own.clone_from(other);
                }
                continue;
            }
            for (own, other) in own.iter_mut().zip(other) {
                if rng.random_bool(0.5) {
                    own.clone_from(other);
                }
            }
        }
    }
    child
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::cost::MultiplyAdds;
    use eoinas_core::{SeedStream, Streams};

    fn member(score: f64, cost: f64) -> Member {
        let genotype = Genotype::parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").unwrap();
        Member { genotype, point: Point::new(score, cost), rank: 0, distance: 0.0 }
    }

    #[test]
    fn a_child_fits_and_has_nothing_but_its_parents() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let mut mixed = 0;
            for index in 0..30 {
                let mut rng = Streams::new(0).rng(SeedStream::Named("crossover"), 0, index);
                let [a, b] = [0; 2].map(|_| Genotype::random(&space, &mut rng));
                let child = crossover(&a, &b, &space, &mut rng);
                child.fits(&space).unwrap();
                let nodes =
                    |genotype: &Genotype| genotype.cells.iter().flat_map(|cell| cell.nodes.clone()).collect::<Vec<_>>();
                for ((child, a), b) in nodes(&child).iter().zip(nodes(&a)).zip(nodes(&b)) {
                    let whole = *child == a || *child == b;
                    assert!(child.iter().all(|edge| a.contains(edge) || b.contains(edge)));
                    assert!(whole || space.name() != SearchSpace::darts().name(), "{child:?}");
                    mixed += usize::from(!whole);
                }
            }
            assert_eq!(mixed > 0, space.name() == SearchSpace::nas_bench_201().name());
        }
    }

    #[test]
    fn the_next_parents_are_the_first_fronts_and_the_least_crowded_of_the_last() {
        let all = [(0.5, 5.0), (0.9, 9.0), (0.55, 5.5), (0.1, 1.0), (0.0, 2.0), (0.7, 7.0), (0.05, 9.5)];
        let survivors = |count| survivors(all.map(|(score, cost)| member(score, cost)).to_vec(), count);
        let scores = |members: &[Member]| members.iter().map(|member| member.point.score()).collect::<Vec<_>>();
        let ranked = survivors(all.len());
        // Both ends; then 0.5, whose neighbours are 0.1 and 0.55, and 0.7, between 0.55 and 0.9; 0.55 is the most crowded.
        assert_eq!(scores(&ranked), [0.9, 0.1, 0.5, 0.7, 0.55, 0.0, 0.05]);
        assert_eq!(ranked.iter().map(|member| member.rank).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 1, 1]);
        assert!(ranked[2].precedes(&ranked[3]) && ranked[4].precedes(&ranked[5]) && !ranked[5].precedes(&ranked[4]));
        assert_eq!(scores(&survivors(4)), [0.9, 0.1, 0.5, 0.7]);
    }

    #[test]
    fn what_is_told_without_being_asked_does_no_harm() {
        let space = SearchSpace::nas_bench_201();
        let mut strategy = Nsga2::new(space.clone(), Skeleton::nas_bench_201(1), Arc::new(MultiplyAdds));
        let mut rng = Streams::new(0).rng(SeedStream::Named("nsga2"), 0, 0);
        let cell = Genotype::random(&SearchSpace::darts(), &mut rng);
        strategy.tell(&cell, 1.0);
        assert!(strategy.parents.is_empty());
        for _ in 0..50 {
            let asked = strategy.ask(&mut rng).unwrap();
            strategy.tell(&asked, f64::NAN);
        }
        strategy.ask(&mut rng).unwrap().fits(&space).unwrap();
    }
}
