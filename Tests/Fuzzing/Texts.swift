import Wire

/// Short texts out of queries and fields: selectors, quantities, times, names.
func feedTexts(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    if let selector = try? LabelSelector(parsing: text) {
        let again = try? LabelSelector(parsing: selector.description)
        promise(again == selector, "written and parsed again it selects by other labels")
        _ = selector.matches(["a": "b"])
    }
    if let selector = try? FieldSelector(parsing: text) {
        let again = try? FieldSelector(parsing: selector.description)
        // In any order: conditions are sorted as they were written, and == is written as =.
        promise(again.map { Set($0.requirements) } == Set(selector.requirements),
                "written and parsed again it selects by other fields")
        _ = selector.matches { _ in "a" }
    }
    if let quantity = try? Quantity(parsing: text) {
        promise((quantity + quantity).compare(quantity) == quantity.sign, "twice it is less")
        let again = try? Quantity(parsing: quantity.text)
        promise(again?.text == quantity.text, "the canonical text is not canonical")
        _ = (quantity.units, quantity.milliunits)
    }
    if let time = try? Timestamp(parsing: text) { _ = time.rfc3339Micro }
    if let time = try? Timestamp(parsingMicro: text) { _ = time.rfc3339Micro }
    _ = (try? GoDuration(parsing: text))?.text
}
