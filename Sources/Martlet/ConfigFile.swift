import Wire

/// The file of `--config`: a YAML map of flags' names to values.
enum ConfigFile {
    /// The settings of a file as words of a command line.
    ///
    /// - Throws: ``SettingError`` that says what is wrong with the file, or which setting it is.
    static func words(path: String) throws(SettingError) -> [String] {
        let bytes: [UInt8]
        do { bytes = try Files.read(path) } catch { throw SettingError("--config", "\(error)") }
        return try words(of: bytes, path: path)
    }

    static func words(of bytes: [UInt8], path: String) throws(SettingError) -> [String] {
        func problem(_ what: String) -> SettingError { SettingError("--config", "\(path): \(what)") }
        let documents: [YAMLAsJSON]
        let settings: Value
        do {
            documents = try unsafe YAMLAsJSON.all(of: bytes.span.bytes)
            guard let first = documents.first else { return [] }
            settings = try Value(json: first.json)
        } catch { throw problem("\(error)") }
        if documents.count > 1 { throw problem("takes one document, found \(documents.count)") }
        if case .null = settings { return [] }
        guard case .map(let map) = settings else { throw problem("takes a map of settings") }
        if let kind = map["kind"], case .string(let kind) = kind {
            throw problem("settings of the kind \(kind) are not built yet")
        }
        var words: [String] = []
        for entry in map.entries {
            let flag = "--\(entry.key)"
            if entry.key == "config" { throw problem("a file of settings names no other one") }
            if UnbuiltFlags.match(flag) != nil { throw SettingError(flag, "is not built yet") }
            guard let text = text(entry.value) else {
                throw problem("\(entry.key) takes a text, a number, true, false or a list of these")
            }
            words.append("\(flag)=\(text)")
        }
        return words
    }

    private static func text(_ value: Value) -> String? {
        switch value {
        case .string(let text): return text
        case .int(let number): return "\(number)"
        case .bool(let bool): return "\(bool)"
        case .list(let elements):
            let texts = elements.map(text)
            return texts.contains(nil) ? nil : texts.compactMap { $0 }.joined(separator: ",")
        default: return nil
        }
    }
}
