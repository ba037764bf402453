import Kubernetes
import Wire

// Metrics as autoscaling/v1 writes them into annotations: name and selector beside the amounts,
// where v2 has a message for each, and no word for what sort of target it is, which follows from
// the amounts that are there.

extension AutoscalingV2.MetricSpec {
    init(_ old: AutoscalingV1.MetricSpec) {
        self.init {
            $0.type = old.type
            $0.object = old.object.map { source in
                .init {
                    $0.describedObject = .init(source.target)
                    $0.metric = .init(source.metricName, source.selector)
                    $0.target.type = source.averageValue == nil ? "Value" : "AverageValue"
                    $0.target.value = source.targetValue ?? .zero
                    $0.target.averageValue = source.averageValue
                }
            }
            $0.pods = old.pods.map { source in
                .init {
                    $0.metric = .init(source.metricName, source.selector)
                    $0.target.type = "AverageValue"
                    $0.target.averageValue = source.targetAverageValue ?? .zero
                }
            }
            $0.resource = old.resource.map { source in
                .init {
                    $0.name = source.name
                    $0.target = .init(
                        share: source.targetAverageUtilization, of: source.targetAverageValue)
                }
            }
            $0.containerResource = old.containerResource.map { source in
                .init {
                    $0.name = source.name
                    $0.container = source.container
                    $0.target = .init(
                        share: source.targetAverageUtilization, of: source.targetAverageValue)
                }
            }
            $0.external = old.external.map { source in
                .init {
                    $0.metric = .init(source.metricName, source.metricSelector)
                    $0.target.type = source.targetValue == nil ? "AverageValue" : "Value"
                    $0.target.value = source.targetValue
                    $0.target.averageValue = source.targetAverageValue
                }
            }
        }
    }
}

extension AutoscalingV1.MetricSpec {
    init(_ new: AutoscalingV2.MetricSpec) {
        self.init {
            $0.type = new.type
            $0.object = new.object.map { source in
                .init {
                    $0.target = .init(source.describedObject)
                    $0.metricName = source.metric.name
                    $0.targetValue = source.target.value
                    $0.selector = source.metric.selector
                    $0.averageValue = source.target.averageValue
                }
            }
            $0.pods = new.pods.map { source in
                .init {
                    $0.metricName = source.metric.name
                    $0.targetAverageValue = source.target.averageValue
                    $0.selector = source.metric.selector
                }
            }
            $0.resource = new.resource.map { source in
                .init {
                    $0.name = source.name
                    $0.targetAverageUtilization = source.target.averageUtilization
                    $0.targetAverageValue = source.target.averageValue
                }
            }
            $0.containerResource = new.containerResource.map { source in
                .init {
                    $0.name = source.name
                    $0.container = source.container
                    $0.targetAverageUtilization = source.target.averageUtilization
                    $0.targetAverageValue = source.target.averageValue
                }
            }
            $0.external = new.external.map { source in
                .init {
                    $0.metricName = source.metric.name
                    $0.metricSelector = source.metric.selector
                    $0.targetValue = source.target.value
                    $0.targetAverageValue = source.target.averageValue
                }
            }
        }
    }
}

extension AutoscalingV2.MetricStatus {
    init(_ old: AutoscalingV1.MetricStatus) {
        self.init {
            $0.type = old.type
            $0.object = old.object.map { source in
                .init {
                    $0.describedObject = .init(source.target)
                    $0.metric = .init(source.metricName, source.selector)
                    $0.current.value = source.currentValue ?? .zero
                    $0.current.averageValue = source.averageValue
                }
            }
            $0.pods = old.pods.map { source in
                .init {
                    $0.metric = .init(source.metricName, source.selector)
                    $0.current.averageValue = source.currentAverageValue ?? .zero
                }
            }
            $0.resource = old.resource.map { source in
                .init {
                    $0.name = source.name
                    $0.current.averageValue = source.currentAverageValue ?? .zero
                    $0.current.averageUtilization = source.currentAverageUtilization
                }
            }
            $0.containerResource = old.containerResource.map { source in
                .init {
                    $0.name = source.name
                    $0.container = source.container
                    $0.current.averageValue = source.currentAverageValue ?? .zero
                    $0.current.averageUtilization = source.currentAverageUtilization
                }
            }
            $0.external = old.external.map { source in
                .init {
                    $0.metric = .init(source.metricName, source.metricSelector)
                    $0.current.value = source.currentValue ?? .zero
                    $0.current.averageValue = source.currentAverageValue
                }
            }
        }
    }
}

extension AutoscalingV1.MetricStatus {
    init(_ new: AutoscalingV2.MetricStatus) {
        self.init {
            $0.type = new.type
            $0.object = new.object.map { source in
                .init {
                    $0.target = .init(source.describedObject)
                    $0.metricName = source.metric.name
                    $0.currentValue = source.current.value
                    $0.selector = source.metric.selector
                    $0.averageValue = source.current.averageValue
                }
            }
            $0.pods = new.pods.map { source in
                .init {
                    $0.metricName = source.metric.name
                    $0.currentAverageValue = source.current.averageValue
                    $0.selector = source.metric.selector
                }
            }
            $0.resource = new.resource.map { source in
                .init {
                    $0.name = source.name
                    $0.currentAverageUtilization = source.current.averageUtilization
                    $0.currentAverageValue = source.current.averageValue
                }
            }
            $0.containerResource = new.containerResource.map { source in
                .init {
                    $0.name = source.name
                    $0.container = source.container
                    $0.currentAverageUtilization = source.current.averageUtilization
                    $0.currentAverageValue = source.current.averageValue
                }
            }
            $0.external = new.external.map { source in
                .init {
                    $0.metricName = source.metric.name
                    $0.metricSelector = source.metric.selector
                    $0.currentValue = source.current.value
                    $0.currentAverageValue = source.current.averageValue
                }
            }
        }
    }
}

extension AutoscalingV2.MetricIdentifier {
    fileprivate init(_ name: String, _ selector: MetaV1.LabelSelector?) {
        self.init {
            $0.name = name
            $0.selector = selector
        }
    }
}

extension AutoscalingV2.MetricTarget {
    fileprivate init(share: Int?, of amount: Quantity?) {
        self.init {
            $0.type = share == nil ? "AverageValue" : "Utilization"
            $0.averageValue = amount
            $0.averageUtilization = share
        }
    }
}
