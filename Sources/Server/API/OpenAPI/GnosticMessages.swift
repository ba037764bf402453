import Wire

/// How a JSON value stands in a message of gnostic.
indirect enum GnosticShape: Sendable {
    case text, flag
    case list(GnosticShape)
    /// A JSON object whose keys are data: a list of messages of name (1) and value (2).
    case named(GnosticShape)
    /// A message around it, which has it as a field.
    case within(Int, GnosticShape)
    case message(GnosticMessage)
    /// Which message it is depends on its `in`.
    case parameter

    /// `ParametersItem` has a `Parameter` (1), which has a body (1) or something else (2).
    static func parameter(in place: Value?) -> GnosticShape {
        switch place {
        case .string("body"): .within(1, .within(1, .message(.bodyParameter)))
        case .string("query"): .within(1, .within(2, .within(3, .message(.queryParameter))))
        case .string("path"): .within(1, .within(2, .within(4, .message(.pathParameter))))
        default: preconditionFailure("a parameter that is nowhere")
        }
    }
}

/// A message of gnostic: the members of the JSON object that it stands for, by their names.
///
/// Only members that our documents have are here.
struct GnosticMessage: Sendable {
    enum Name: Sendable {
        case info, pathItem, operation, response, schema
        case bodyParameter, queryParameter, pathParameter
    }

    typealias Fields = [String: (number: Int, shape: GnosticShape)]

    let name: Name

    static let info = GnosticMessage(name: .info)
    static let pathItem = GnosticMessage(name: .pathItem)
    static let operation = GnosticMessage(name: .operation)
    static let response = GnosticMessage(name: .response)
    static let schema = GnosticMessage(name: .schema)
    static let bodyParameter = GnosticMessage(name: .bodyParameter)
    static let queryParameter = GnosticMessage(name: .queryParameter)
    static let pathParameter = GnosticMessage(name: .pathParameter)

    var fields: Fields {
        switch name {
        case .info: Self.infoFields
        case .pathItem: Self.pathItemFields
        case .operation: Self.operationFields
        case .response: Self.responseFields
        case .schema: Self.schemaFields
        case .bodyParameter: Self.bodyParameterFields
        case .queryParameter: Self.queryParameterFields
        case .pathParameter: Self.pathParameterFields
        }
    }

    /// The field that takes members beginning with `x-`, if we write any.
    var extensions: Int? {
        switch name {
        case .operation: 13
        case .schema: 31
        default: nil
        }
    }

    private static let infoFields: Fields = ["title": (1, .text), "version": (2, .text)]

    private static let pathItemFields: Fields = [
        "get": (2, .message(.operation)), "put": (3, .message(.operation)),
        "post": (4, .message(.operation)), "delete": (5, .message(.operation)),
        "patch": (8, .message(.operation)), "parameters": (9, .list(.parameter)),
    ]

    private static let operationFields: Fields = [
        "tags": (1, .list(.text)), "operationId": (5, .text), "produces": (6, .list(.text)),
        "consumes": (7, .list(.text)), "parameters": (8, .list(.parameter)),
        "responses": (9, .within(1, .named(.within(1, .message(.response))))),
        "schemes": (10, .list(.text)),
    ]

    private static let responseFields: Fields = [
        "description": (1, .text), "schema": (2, .within(1, .message(.schema))),
    ]

    private static let schemaFields: Fields = [
        "$ref": (1, .text), "format": (2, .text), "required": (19, .list(.text)),
        "additionalProperties": (21, .within(1, .message(.schema))),
        "type": (22, .within(1, .text)), "items": (23, .within(1, .message(.schema))),
        "properties": (25, .within(1, .named(.message(.schema)))),
    ]

    private static let bodyParameterFields: Fields = [
        "name": (2, .text), "in": (3, .text), "required": (4, .flag),
        "schema": (5, .message(.schema)),
    ]

    private static let queryParameterFields: Fields = [
        "in": (2, .text), "name": (4, .text), "type": (6, .text), "uniqueItems": (20, .flag),
    ]

    private static let pathParameterFields: Fields = [
        "required": (1, .flag), "in": (2, .text), "name": (4, .text), "type": (5, .text),
        "uniqueItems": (19, .flag),
    ]
}
