import Kubernetes
import Wire

extension CoreV1.Event {
    init(_ event: EventsV1.Event) {
        self.init {
            $0.metadata = event.metadata
            $0.involvedObject = event.regarding
            $0.reason = event.reason
            $0.message = event.note
            $0.source = event.deprecatedSource
            $0.firstTimestamp = event.deprecatedFirstTimestamp
            $0.lastTimestamp = event.deprecatedLastTimestamp
            $0.count = event.deprecatedCount
            $0.type = event.type
            $0.eventTime = event.eventTime
            $0.series = event.series.map { series in
                CoreV1.EventSeries {
                    $0.count = series.count
                    $0.lastObservedTime = series.lastObservedTime
                }
            }
            $0.action = event.action
            $0.related = event.related
            $0.reportingComponent = event.reportingController
            $0.reportingInstance = event.reportingInstance
        }
    }
}

extension EventsV1.Event {
    init(_ event: CoreV1.Event) {
        self.init {
            $0.metadata = event.metadata
            $0.eventTime = event.eventTime
            $0.series = event.series.map { series in
                EventsV1.EventSeries {
                    $0.count = series.count
                    $0.lastObservedTime = series.lastObservedTime
                }
            }
            $0.reportingController = event.reportingComponent
            $0.reportingInstance = event.reportingInstance
            $0.action = event.action
            $0.reason = event.reason
            $0.regarding = event.involvedObject
            $0.related = event.related
            $0.note = event.message
            $0.type = event.type
            $0.deprecatedSource = event.source
            $0.deprecatedFirstTimestamp = event.firstTimestamp
            $0.deprecatedLastTimestamp = event.lastTimestamp
            $0.deprecatedCount = event.count
        }
    }
}
