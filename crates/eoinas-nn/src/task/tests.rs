use candle_core::Device;
use eoinas_core::NumberInfo;

use super::*;

fn answers(width: usize, given: &[f32], wanted: &[f32]) -> Answers {
    Answers { width, given: given.to_vec(), wanted: wanted.to_vec() }
}

fn number(mean: f32, std: f32) -> NumberInfo {
    NumberInfo { name: "angle".into(), unit: "degrees".into(), mean, std }
}

#[test]
fn r2_is_that_of_its_definition() {
    let task = Numbers::new(vec![number(0.0, 1.0); 2]);
    // scikit-learn's r2_score([3, -0.5, 2, 7], [2.5, 0, 2, 8]) is 0.9486081370449679; the second number is constant.
    let given = [2.5, 1.0, 0.0, 1.0, 2.0, 1.0, 8.0, 1.0];
    let wanted = [3.0, 4.0, -0.5, 4.0, 2.0, 4.0, 7.0, 4.0];
    assert!((task.score(&answers(2, &given, &wanted)) - 0.948_608_137).abs() < 1e-9);
    assert_eq!(task.score(&answers(1, &[1.0, 1.0], &[0.0, 2.0])), 0.0);
    assert_eq!(task.score(&answers(1, &[2.0, 0.0], &[0.0, 2.0])), -3.0);
    assert_eq!(task.score(&Answers::default()), 0.0);
}

#[test]
fn average_precision_is_that_of_its_definition() {
    // scikit-learn's average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) is 0.8333; the second label nobody has.
    let given = [0.1, 0.0, 0.4, 0.0, 0.35, 0.0, 0.8, 0.0];
    let wanted = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    assert!((Labels.score(&answers(2, &given, &wanted)) - 5.0 / 6.0).abs() < 1e-9);
    // Ties get what guessing gets.
    assert_eq!(Labels.score(&answers(1, &[0.0; 4], &[1.0, 0.0, 0.0, 0.0])), 0.25);
    assert_eq!(Labels.score(&answers(1, &[0.0; 4], &[0.0; 4])), 0.0);
}

#[test]
fn answers_are_in_the_units_of_the_data() {
    let names = || vec!["a".to_owned(), "b".to_owned()];
    let (classes, labels) = (TargetInfo::Classes(names()), TargetInfo::Labels(names()));
    let numbers = TargetInfo::Numbers(vec![number(90.0, 50.0)]);
    let Answer::Numbers(said) = Answer::new(&numbers, &[-1.0]) else { unreachable!() };
    assert_eq!((said[0].0.unit.as_str(), said[0].1), ("degrees", 40.0));
    assert_eq!(Answer::new(&classes, &[2.0, 2.0]), Answer::Classes(vec![("a", 0.5), ("b", 0.5)]));
    assert_eq!(Answer::new(&labels, &[0.0, 200.0]), Answer::Labels(vec![("a", 0.5), ("b", 1.0)]));
}

#[test]
fn batches_have_a_share_from_0_to_1() {
    let logits = Tensor::new(&[[1.0f32, -1.0], [1.0, 2.0]], &Device::Cpu).unwrap();
    let grade = |task: &dyn Task, targets: Targets| {
        let loss = task.loss(&Workspace::new(), &logits, &targets, 0.0).unwrap();
        (loss.loss, task.grade(&logits, &targets, &loss).unwrap())
    };
    let (_, classes) = grade(&Classes, vec![0, 0].into());
    assert_eq!((classes.share, classes.correct_top5, classes.answers), (0.5, 2, None));
    let (_, labels) = grade(&Labels, Targets::Labels { width: 2, values: vec![true, false, false, true] });
    assert_eq!((labels.share, labels.answers.unwrap().wanted), (0.75, vec![1.0, 0.0, 0.0, 1.0]));
    let numbers = Numbers::new(vec![number(10.0, 2.0), number(0.0, 1.0)]);
    let (loss, numbers) = grade(&numbers, Targets::Numbers { width: 2, values: vec![12.0, -1.0, 12.0, 4.0] });
    assert_eq!((loss, numbers.share), (1.0, 0.5));
    assert_eq!(numbers.answers.unwrap().wanted, [1.0, -1.0, 1.0, 4.0]);
}

#[test]
fn targets_of_another_kind_or_width_are_refused() {
    let refused = |task: &dyn Task, targets: Targets| check(task, &targets, 2).unwrap_err().to_string();
    let labels = |width| Targets::Labels { width, values: vec![true; width] };
    let error = refused(&Classes, labels(2));
    assert!(error.contains("labels") && error.contains("classes"), "{error}");
    let error = refused(&Labels, labels(3));
    assert!(error.contains("3 labels") && error.contains('2'), "{error}");
    assert!(refused(&Classes, vec![2].into()).contains("less than the number of classes, 2"));
    check(&Labels, &labels(2), 2).unwrap();
}
