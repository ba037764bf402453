internal import Kubernetes
internal import Wire

/// Rules of jobs and cron jobs.
enum BatchChecks {
    static let tables: [TypeChecks] = [
        checks(BatchV1.Job.self, .rule(generatedSelector), .each("spec")),
        checks(BatchV1.JobSpec.self,
            .atLeast(0, "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"),
            .oneOf("completionMode", "NonIndexed", "Indexed"), .rule(completion),
            .each("podFailurePolicy"), .rule(replacement), .each("template"),
            .rule(restartPolicy)),
        checks(BatchV1.PodFailurePolicy.self, .each("rules")),
        checks(BatchV1.PodFailurePolicyRule.self,
            .oneOf("action", "Count", "FailIndex", "FailJob", "Ignore", isRequired: true),
            .rule(failureRule), .each("onExitCodes", "onPodConditions")),
        checks(BatchV1.PodFailurePolicyOnExitCodesRequirement.self,
            .oneOf("operator", "In", "NotIn", isRequired: true), .rule(exitCodes)),
        checks(BatchV1.PodFailurePolicyOnPodConditionsPattern.self,
            .form("type", Syntax.qualifiedName),
            .oneOf("status", "False", "True", "Unknown", isRequired: true)),
        checks(BatchV1.CronJob.self, .each("spec"), .rule { (job: BatchV1.CronJob, report) in
            if job.metadata.name.utf8.count > 52 {
                report.invalid("metadata.name", job.metadata.name,
                    "must be no more than 52 characters")
            }
        }),
        checks(BatchV1.CronJobSpec.self, .rule(schedule),
            .atLeast(0, "startingDeadlineSeconds"), .rule(timeZone),
            .oneOf("concurrencyPolicy", "Allow", "Forbid", "Replace", isRequired: true),
            .each("jobTemplate"), .atLeast(0, "successfulJobsHistoryLimit",
                "failedJobsHistoryLimit")),
        checks(BatchV1.JobTemplateSpec.self, .each("spec")),
    ]

    // MARK: Jobs

    @Sendable private static func generatedSelector(_ job: BatchV1.Job, _ report: inout Report) {
        if job.spec.manualSelector == true { return }
        guard let selector = job.spec.selector else { return report.required("spec.selector") }
        let expected = MetaV1.LabelSelector {
            $0.matchLabels = ["batch.kubernetes.io/controller-uid": job.metadata.uid]
        }
        let legacy = MetaV1.LabelSelector {
            $0.matchLabels = ["controller-uid": job.metadata.uid]
        }
        if selector != expected, selector != legacy {
            report.invalid("spec.selector", JSONValue(selector.value),
                "`selector` not auto-generated")
        }
    }

    @Sendable private static func completion(_ spec: BatchV1.JobSpec, _ report: inout Report) {
        if spec.completionMode == "Indexed" {
            guard let completions = spec.completions else {
                return report.required("completions", "when completion mode is Indexed")
            }
            if let parallelism = spec.parallelism, parallelism > 100_000 {
                report.invalid("parallelism", parallelism, "must be less than or equal to 100000 "
                    + "when completion mode is Indexed")
            }
            if let failed = spec.maxFailedIndexes, failed > completions {
                report.invalid("maxFailedIndexes", failed,
                    "must be less than or equal to completions")
            }
        } else if let limit = spec.backoffLimitPerIndex {
            report.invalid("backoffLimitPerIndex", limit,
                "requires indexed completion mode")
        }
    }

    @Sendable private static func replacement(_ spec: BatchV1.JobSpec, _ report: inout Report) {
        guard let policy = spec.podReplacementPolicy else { return }
        let supported = spec.podFailurePolicy == nil
            ? ["Failed", "TerminatingOrFailed"] : ["Failed"]
        report.oneOf(supported, "podReplacementPolicy", policy)
    }

    @Sendable private static func restartPolicy(_ spec: BatchV1.JobSpec, _ report: inout Report) {
        let policy = spec.template.spec.restartPolicy
        switch policy {
        case "Always":
            report.required("template.spec.restartPolicy",
                #"valid values: "OnFailure", "Never""#)
        case "OnFailure" where spec.podFailurePolicy != nil:
            report.invalid("template.spec.restartPolicy", policy,
                #"only "Never" is supported when podFailurePolicy is specified"#)
        case "OnFailure", "Never": break
        default:
            report.notSupported("template.spec.restartPolicy", policy, ["OnFailure", "Never"])
        }
    }

    @Sendable private static func failureRule(
        _ rule: BatchV1.PodFailurePolicyRule, _ report: inout Report
    ) {
        switch (rule.onExitCodes != nil, !rule.onPodConditions.isEmpty) {
        case (true, true):
            report.invalid(nil, InternalValue(rule),
                "specifying both OnExitCodes and OnPodConditions is not supported")
        case (false, false):
            report.invalid(nil, InternalValue(rule),
                "specifying one of OnExitCodes and OnPodConditions is required")
        default: break
        }
    }

    @Sendable private static func exitCodes(
        _ requirement: BatchV1.PodFailurePolicyOnExitCodesRequirement, _ report: inout Report
    ) {
        let values = requirement.values
        let shown = JSONValue(values.value)
        if values.isEmpty { report.invalid("values", shown, "at least one value is required") }
        if values.count > 255 { report.tooMany("values", count: values.count, countMax: 255) }
        report.each("values", of: values) { report, value in
            if requirement.operator == "In", value == 0 {
                report.invalid(nil, value, "must not be 0 for the In operator")
            }
        }
        if values != values.sorted() {
            report.invalid("values", shown, "must be ordered")
        }
    }

    // MARK: Cron jobs

    @Sendable private static func schedule(_ spec: BatchV1.CronJobSpec, _ report: inout Report) {
        if spec.schedule.isEmpty { return report.required("schedule") }
        if spec.schedule.contains("TZ") {
            return report.invalid("schedule", spec.schedule,
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        }
        if let problem = CronSchedule.problem(in: spec.schedule) {
            report.invalid("schedule", spec.schedule, problem)
        }
    }

    @Sendable private static func timeZone(_ spec: BatchV1.CronJobSpec, _ report: inout Report) {
        guard let zone = spec.timeZone else { return }
        if zone.isEmpty {
            report.invalid("timeZone", zone, "timeZone must be nil or non-empty string")
        } else if zone.lowercased() == "local" {
            report.invalid("timeZone", zone, "timeZone must be an explicit time zone as defined in "
                + "https://www.iana.org/time-zones")
        } else if !report.context.isTimeZone(zone) {
            report.invalid("timeZone", zone, "unknown time zone \(zone)")
        }
    }
}
