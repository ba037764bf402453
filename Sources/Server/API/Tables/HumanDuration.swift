/// A span of time in at most two units and little precision: `45s`, `2m3s`, `5d`, `3y120d`.
///
/// The limits between the units are Kubernetes'.
public func humanDuration(seconds: Int64) -> String {
    let minutes = seconds / 60
    let hours = minutes / 60
    let days = hours / 24
    return switch seconds {
    case ..<(-1): "<invalid>"
    case ..<0: "0s"
    case ..<120: "\(seconds)s"
    case ..<(10 * 60): two(minutes, "m", seconds % 60, "s")
    case ..<(3 * 3600): "\(minutes)m"
    case ..<(8 * 3600): two(hours, "h", minutes % 60, "m")
    case ..<(48 * 3600): "\(hours)h"
    case ..<(8 * 86_400): two(days, "d", hours % 24, "h")
    case ..<(2 * 365 * 86_400): "\(days)d"
    case ..<(8 * 365 * 86_400): two(days / 365, "y", days % 365, "d")
    default: "\(days / 365)y"
    }
}

/// The second part is left out if it is zero.
private func two(
    _ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String
) -> String {
    small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
}
