//! Schedules: the published values, the ends, configuration files, and that no input gives a value out of bounds.

use eoinas_core::CoreError;
use eoinas_core::schedule::{Constant, Cosine, Decay, Exponential, Linear, ScheduleConfig, Warmup};
use proptest::prelude::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn the_papers_temperature() {
    let t = Exponential::paper_temperature();
    for epoch in 0..=20 {
        assert_eq!(t.value(f64::from(epoch), 160.0), 5.0);
    }
    assert!(close(t.value(21.0, 160.0), 4.825));
    assert!((t.value(159.0, 160.0) - 0.0353).abs() < 5e-5);
    assert_eq!(t.value(1e6, 160.0), 1e-3, "the floor");
}

#[test]
fn a_shortened_run_ends_at_the_same_temperature() {
    let paper = Exponential::paper_temperature();
    let end = paper.value(159.0, 160.0);
    for epochs in [8.0, 16.0, 40.0, 160.0, 320.0] {
        let scaled = paper.rescaled(160.0, epochs);
        assert!(close(scaled.value(epochs - 1.0, epochs), end), "{epochs}");
        assert_eq!(scaled.value(epochs / 8.0, epochs), 5.0);
    }
    assert_eq!(paper.rescaled(160.0, 0.0), paper);
    assert!(close(paper.rescaled(160.0, 160.0).value(70.0, 160.0), paper.value(70.0, 160.0)));
}

#[test]
fn the_ends_of_each_shape() {
    let cosine = Cosine::new(0.025, 0.001).unwrap();
    assert_eq!((cosine.value(0.0, 160.0), cosine.value(160.0, 160.0)), (0.025, 0.001));
    let linear = Linear::new(0.0, 0.3).unwrap();
    assert!(close(linear.value(299.0, 600.0), 0.3 * 299.0 / 600.0));
    let gdas = Linear::new(10.0, 0.1).unwrap().inclusive();
    assert_eq!((gdas.value(0.0, 250.0), gdas.value(249.0, 250.0)), (10.0, 0.1));
    assert_eq!(gdas.value(0.0, 1.0), 10.0);
    let falling = Exponential::from_to(5.0, 0.05, 2.0).unwrap();
    assert_eq!(falling.value(2.0, 10.0), 5.0);
    assert!(close(falling.value(9.0, 10.0), 0.05));
    assert_eq!(Constant::new(0.4).unwrap().value(7.0, 8.0), 0.4);
    let per_epoch = Exponential { hold: 1.0, floor: 0.05, ..Exponential::new(0.1, 0.97).unwrap() };
    assert!(close(per_epoch.value(3.0, 250.0), 0.1 * 0.97 * 0.97));
    assert_eq!(per_epoch.value(200.0, 250.0), 0.05);
}

#[test]
fn warm_up_leads_into_what_follows() {
    let s = Warmup { epochs: 5.0, start: 0.0, then: Box::new(Cosine::new(0.1, 0.0).unwrap().into()) };
    assert_eq!(s.value(0.0, 105.0), 0.0);
    assert!(close(s.value(2.5, 105.0), 0.05));
    assert_eq!(s.value(5.0, 105.0), 0.1);
    assert!(close(s.value(55.0, 105.0), 0.05));
    assert_eq!(s.value(105.0, 105.0), 0.0);
    let none = Warmup { epochs: 0.0, ..s };
    assert_eq!(none.value(0.0, 100.0), 0.1);
}

#[test]
fn bad_fields_are_named() {
    let field = |r: Result<(), CoreError>| match r.unwrap_err() {
        CoreError::Schedule { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field(Constant::new(f64::NAN).map(drop)), "value");
    assert_eq!(field(Linear::new(0.0, f64::INFINITY).map(drop)), "end");
    assert_eq!(field(Cosine::new(f64::NAN, 0.0).map(drop)), "start");
    assert_eq!(field(Exponential::new(0.0, 0.9).map(drop)), "start");
    assert_eq!(field(Exponential::new(1.0, -0.9).map(drop)), "rate");
    assert_eq!(field(Exponential::from_to(1.0, 0.0, 1.0).map(drop)), "end");
    assert_eq!(field(Exponential::from_to(1.0, 0.5, -1.0).map(drop)), "hold");
    assert_eq!(field(Exponential { floor: f64::NAN, ..Exponential::paper_temperature() }.validate()), "floor");
    let inner = Warmup { epochs: 1.0, start: 0.0, then: Box::new(Constant { value: f64::NAN }.into()) };
    assert_eq!(field(ScheduleConfig::from(inner.clone()).validate()), "value");
    assert_eq!(field(Warmup { epochs: -1.0, ..inner.clone() }.validate()), "epochs");
    let text = Exponential::new(1.0, -0.9).unwrap_err().to_string();
    assert_eq!(text, "exponential schedule: rate is -0.9; it must be a positive number");
}

#[test]
fn configurations_round_trip_and_keep_their_form() {
    let all: Vec<ScheduleConfig> = vec![
        Constant { value: 1.0 }.into(),
        Linear { start: 10.0, end: 0.1, inclusive: true }.into(),
        Cosine { start: 0.025, end: 0.001 }.into(),
        Exponential::paper_temperature().into(),
        Exponential { start: 5.0, decay: Decay::End(0.03), hold: 1.0, floor: 0.0 }.into(),
        Warmup { epochs: 5.0, start: 0.0, then: Box::new(Cosine { start: 0.1, end: 0.0 }.into()) }.into(),
    ];
    for config in all {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ScheduleConfig>(&text).unwrap(), config, "{text}");
    }
    let text = serde_json::to_string(&ScheduleConfig::from(Exponential::paper_temperature())).unwrap();
    assert_eq!(text, r#"{"kind":"exponential","start":5.0,"rate":0.965,"hold":20.0,"floor":0.001}"#);
    assert!(serde_json::from_str::<ScheduleConfig>(r#"{"kind":"linear","start":0,"end":1,"rate":3}"#).is_err());
    assert!(serde_json::from_str::<ScheduleConfig>(r#"{"kind":"polynomial","start":0}"#).is_err());
}

proptest! {
    #[test]
    fn values_stay_between_the_ends(
        start in 1e-6f64..1e3, end in 1e-6f64..1e3, hold in 0.0f64..30.0,
        epoch in prop_oneof![0.0f64..400.0, Just(f64::NAN), Just(f64::INFINITY), Just(-1.0)],
        epochs in prop_oneof![1.0f64..300.0, Just(0.0), Just(f64::NAN)],
    ) {
        let (low, high) = (start.min(end) * (1.0 - 1e-9), start.max(end) * (1.0 + 1e-9));
        let schedules: [ScheduleConfig; 4] = [
            Linear { start, end, inclusive: false }.into(),
            Linear { start, end, inclusive: true }.into(),
            Cosine { start, end }.into(),
            Exponential { start, decay: Decay::End(end), hold, floor: 0.0 }.into(),
        ];
        for schedule in schedules {
            schedule.validate().unwrap();
            let value = schedule.value(epoch, epochs);
            prop_assert!((low..=high).contains(&value), "{:?} gives {}", schedule, value);
        }
    }
}
