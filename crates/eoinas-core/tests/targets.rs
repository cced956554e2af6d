//! Classes, numbers and labels.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use eoinas_core::{NumberInfo, Target, TargetInfo, TargetKind, Targets};

fn angle() -> NumberInfo {
    NumberInfo { name: "angle".to_owned(), unit: "degrees".to_owned(), mean: 90.0, std: 52.0 }
}

fn all() -> [(TargetInfo, Vec<Target>, Vec<Target>); 3] {
    let names = || vec!["a".to_owned(), "b".to_owned()];
    [
        (
            TargetInfo::Classes(names()),
            vec![Target::Class(1), Target::Class(0)],
            vec![Target::Class(2), Target::Numbers(vec![0.0, 1.0])],
        ),
        (
            TargetInfo::Numbers(vec![
                angle(),
                NumberInfo { name: "length".to_owned(), unit: String::new(), ..angle() },
            ]),
            vec![Target::Numbers(vec![1.0, -2.0]), Target::Numbers(vec![3.0, 4.0])],
            vec![Target::Numbers(vec![1.0]), Target::Numbers(vec![1.0, f32::NAN]), Target::Class(0)],
        ),
        (
            TargetInfo::Labels(names()),
            vec![Target::Labels(vec![true, false]), Target::Labels(vec![true, true])],
            vec![Target::Labels(vec![true]), Target::Class(1)],
        ),
    ]
}

#[test]
fn what_is_put_in_comes_out() {
    for (info, good, bad) in all() {
        info.validate().unwrap();
        let mut targets = Targets::with_capacity(&info, 2);
        assert!(targets.is_empty() && targets.kind() == info.kind() && info.outputs() == 2);
        for target in &good {
            targets.push(&info, target.clone()).unwrap();
        }
        for target in bad {
            let error = targets.push(&info, target).unwrap_err();
            assert!(error.name == "target" && error.to_string().contains('2'), "{error}");
        }
        targets.check(&info).unwrap();
        for (other, _, _) in all().iter().filter(|(other, _, _)| other.kind() != info.kind()) {
            assert!(targets.check(other).unwrap_err().to_string().contains(&info.kind().to_string()));
        }
        assert_eq!(targets.len(), 2);
        assert_eq!([targets.get(0), targets.get(1)].map(Option::unwrap).as_slice(), good);
        assert_eq!((targets.get(2), targets.get(usize::MAX)), (None, None));
        assert_eq!(targets.classes().is_some(), info.kind() == TargetKind::Classes);
    }
}

#[test]
fn targets_that_do_not_fit_are_named() {
    let names = TargetInfo::Classes(vec!["a".to_owned(), "b".to_owned()]);
    let error = Targets::from(vec![0, 1, 2]).check(&names).unwrap_err();
    assert_eq!(error.to_string(), "target 2 is class 2; expected a class below 2");
    let angle = TargetInfo::Numbers(vec![angle()]);
    for (width, values) in [(1, vec![0.0, f32::NAN]), (2, vec![0.0; 2]), (0, vec![])] {
        assert!(Targets::Numbers { width, values }.check(&angle).is_err());
    }
    assert!(Targets::Numbers { width: 1, values: vec![] }.check(&angle).is_ok());
}

#[test]
fn descriptions_that_cannot_be_are_named() {
    for (info, part) in [
        (TargetInfo::Classes(vec![]), "classes is empty"),
        (TargetInfo::Labels(vec![]), "labels is empty"),
        (TargetInfo::Numbers(vec![]), "numbers is empty"),
        (TargetInfo::Numbers(vec![NumberInfo { std: 0.0, ..angle() }]), "std of `angle` is 0"),
        (TargetInfo::Numbers(vec![NumberInfo { mean: f32::INFINITY, ..angle() }]), "mean of `angle` is inf"),
    ] {
        let error = info.validate().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn descriptions_survive_their_json() {
    for (info, _, _) in all() {
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<TargetInfo>(&text).unwrap(), info, "{text}");
    }
    let classes = serde_json::to_string(&TargetInfo::Classes(vec!["cat".to_owned()])).unwrap();
    assert_eq!(classes, r#"{"classes":["cat"]}"#);
}
