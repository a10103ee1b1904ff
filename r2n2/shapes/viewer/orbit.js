// Turning and zooming: one finger, a mouse button or an arrow key turns; two fingers, the wheel or + and - zoom; a
// double click or Home resets the view. The object's y axis stays upright.

const START = { azimuth: 40, elevation: 24, distance: 1 }; // degrees; distance: 1 is where the object fits
const ZOOM = { least: 0.35, most: 2.5 };

class Orbit {
  constructor(element, changed) {
    Object.assign(this, START);
    this.changed = changed;
    this.pointers = new Map();
    const listen = (name, handler) => element.addEventListener(name, handler, { passive: false });
    listen("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    listen("pointermove", (event) => this.drag(event, element.clientHeight));
    for (const name of ["pointerup", "pointercancel"]) listen(name, (event) => this.pointers.delete(event.pointerId));
    listen("dblclick", () => this.move(START));
    listen("wheel", (event) => {
      // In a notebook the wheel scrolls the notebook until the figure is clicked.
      if (window !== window.parent && document.activeElement !== element && !event.ctrlKey) return;
      event.preventDefault();
      // A trackpad pinch arrives as a wheel event with ctrlKey, in smaller steps.
      this.zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.03 : event.ctrlKey ? 0.01 : 0.001)));
    });
    listen("keydown", (event) => {
      const turns = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, 10], ArrowDown: [0, -10] };
      if (event.key in turns) this.turn(...turns[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(0.9);
      else if (event.key === "-") this.zoom(1 / 0.9);
      else if (event.key === "Home") this.move(START);
      else return;
      event.preventDefault();
    });
  }

  drag(event, height) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (others.length) {
      const gap = ([x, y]) => Math.max(Math.hypot(x - others[0][0], y - others[0][1]), 1);
      this.zoom(gap(before) / gap(now));
    } else {
      this.turn(((now[0] - before[0]) / height) * 200, ((now[1] - before[1]) / height) * 200);
    }
    this.pointers.set(event.pointerId, now);
  }

  turn(azimuth, elevation) {
    this.move({ azimuth: this.azimuth + azimuth, elevation: Math.min(Math.max(this.elevation + elevation, -89), 89) });
  }

  zoom(factor) {
    this.move({ distance: Math.min(Math.max(this.distance * factor, ZOOM.least), ZOOM.most) });
  }

  move(pose) {
    Object.assign(this, pose);
    this.changed();
  }

  // The camera's position on the sphere of radius 1; azimuth as in the data: 0 is the object's front, +x.
  direction() {
    const [azimuth, elevation] = [this.azimuth, this.elevation].map((angle) => (angle * Math.PI) / 180);
    return [Math.cos(elevation) * Math.cos(azimuth), Math.sin(elevation), Math.cos(elevation) * Math.sin(azimuth)];
  }
}
