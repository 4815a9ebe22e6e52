"""A flame graph of CPU time as SVG: callers above what they call, as wide as its share of a request."""
import html

WIDTH, ROW, LETTER = 1200, 15, 6.2  # pixels
LEAST = 0.003                        # of the whole: narrower is left out
COLOURS = {"gateway": "#f2a65e", "session": "#8fc7a1", "db": "#7fb3d5", "password": "#b8b8b8",
           "mariadb": "#e3cf7a", "redis": "#e08d84"}


class Frame:
    def __init__(self):
        self.us, self.callees = 0.0, {}

    def add(self, path, us):
        self.us += us
        if path:
            self.callees.setdefault(path[0], Frame()).add(path[1:], us)


def name(frame):
    """`symbol (/path/library)` as people read it; of a library without symbols, the library."""
    symbol, _, library = frame.rpartition(" (")
    library = library.rstrip(")").rpartition("/")[2].strip("[]")
    return f"[{library}]" if symbol == "[unknown]" else symbol


def path(process, frames):
    """From the process down to the innermost frame; what repeats is one, what nobody knows is none."""
    found = [process]
    for label in map(name, reversed(frames)):
        if label not in (found[-1], "[unknown]"):
            found.append(label)
    return found


def boxes(label, frame, x, depth, scale, colour):
    width = frame.us * scale
    shown = label if len(label) * LETTER < width else label[:int(width / LETTER) - 1] + "…"
    yield depth, (
        f'<g><title>{html.escape(label)}: {frame.us:.2f} us</title>'
        f'<rect x="{x:.1f}" y="{depth * ROW}" width="{width:.1f}" height="{ROW - 1}" fill="{colour}"/>'
        + (f'<text x="{x + 2:.1f}" y="{depth * ROW + 11}">{html.escape(shown)}</text>'
           if width > 3 * LETTER else "") + "</g>")
    for callee, below in sorted(frame.callees.items(), key=lambda one: -one[1].us):
        if below.us * scale >= LEAST * WIDTH:
            yield from boxes(callee, below, x, depth + 1, scale, COLOURS.get(callee, colour))
            x += below.us * scale


def write(file, title, stacks):
    """stacks: (process, frames from the innermost on, us of a request) of each sample."""
    root = Frame()
    for process, frames, us in stacks:
        root.add(path(process, frames), us)
    drawn = list(boxes(f"{title}: {root.us:.1f} us a request", root, 0, 0, WIDTH / root.us, "#dddddd"))
    height = (1 + max(depth for depth, _ in drawn)) * ROW
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="monospace" font-size="10">\n' + "\n".join(box for _, box in drawn)
        + "\n</svg>\n")
