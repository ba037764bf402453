import Kubernetes
import Rules
import Wire

/// What the annotations of an autoscaling/v1 object say beside it.
///
/// Go reads them with its library's own JSON: names are not told apart by case, and what is unknown
/// is passed over.
struct AutoscalerAnnotations {
    private let annotations: [String: String]

    init(_ annotations: [String: String]) { self.annotations = annotations }

    /// Whether the annotation is there and can be read as a list.
    func has(_ annotation: AutoscalerAnnotation) -> Bool {
        guard case .list = value(annotation) else { return false }
        return true
    }

    /// The messages in a list; none if any of them cannot be read.
    func list<View: MessageView>(_ annotation: AutoscalerAnnotation) -> [View] {
        guard case .list(let elements) = value(annotation) else { return [] }
        let views = elements.map { View.init(anyCase: $0) }
        return views.contains { $0 == nil } ? [] : views.compactMap { $0 }
    }

    /// How fast to scale; nil if nothing is said of either direction.
    var behavior: AutoscalingV2.HorizontalPodAutoscalerBehavior? {
        let behavior = value(.behavior)
            .flatMap { AutoscalingV2.HorizontalPodAutoscalerBehavior(anyCase: $0) }
        return behavior?.tree.isEmpty == true ? nil : behavior
    }

    private func value(_ annotation: AutoscalerAnnotation) -> Value? {
        guard let text = annotations[annotation.rawValue] else { return nil }
        do { return try Value(json: Array(text.utf8)) } catch {
            return nil  // As if it were not there.
        }
    }
}

extension MessageView {
    /// Reads free-form JSON whose names may be in any case.
    fileprivate init?(anyCase value: Value) {
        let type = Self.messageType
        let json = (value == .null ? Value.map(ValueMap()) : Self.named(value, as: type)).json
        do {
            self.init(try ObjectCodec.decode(json, .json, default: type).object)
        } catch { return nil }
    }

    /// The value with the names of its maps as the schema has them.
    private static func named(_ value: Value, as type: MessageType) -> Value {
        switch value {
        case .list(let elements): .list(elements.map { named($0, as: type) })
        case .map(let map):
            .map(ValueMap(map.entries.map { entry in
                let field = type.field(entry.key) ?? type.fields.first {
                    $0.name.lowercased() == entry.key.lowercased()
                }
                guard let field else { return (entry.key, entry.value) }
                guard let inner = field.type, !field.isMap else { return (field.name, entry.value) }
                return (field.name, named(entry.value, as: inner))
            }))
        default: value
        }
    }
}

extension [String: String] {
    /// Puts messages into an annotation; nothing if there are none.
    mutating func put(_ annotation: AutoscalerAnnotation, _ messages: [some MessageView]) {
        guard !messages.isEmpty else { return }
        self[annotation.rawValue] = Wire.Value.list(messages.map(\.value)).jsonText
    }

    /// Puts down how fast to scale, with the names of Go's fields and every one of them.
    mutating func put(_ behavior: AutoscalingV2.HorizontalPodAutoscalerBehavior?) {
        guard let behavior else { return }
        let (up, down) = (Self.text(behavior.scaleUp), Self.text(behavior.scaleDown))
        self[AutoscalerAnnotation.behavior.rawValue] = #"{"ScaleUp":\#(up),"ScaleDown":\#(down)}"#
    }

    private static func text(_ rules: AutoscalingV2.HPAScalingRules?) -> String {
        guard let rules else { return "null" }
        let policies = rules.policies.map { policy in
            #"{"Type":\#(policy.type.value.jsonText),"Value":\#(policy.value),"#
                + #""PeriodSeconds":\#(policy.periodSeconds)}"#
        }
        let fields = [
            ("StabilizationWindowSeconds", rules.stabilizationWindowSeconds?.value.jsonText),
            ("SelectPolicy", rules.selectPolicy?.value.jsonText),
            ("Policies", policies.isEmpty ? nil : "[\(policies.joined(separator: ","))]"),
            ("Tolerance", rules.tolerance?.value.jsonText),
        ]
        return "{" + fields.map { "\"\($0)\":\($1 ?? "null")" }.joined(separator: ",") + "}"
    }
}

extension Value {
    fileprivate var jsonText: String { String(decoding: json, as: UTF8.self) }
}
