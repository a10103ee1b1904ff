// The page: reads the data that Python wrote into it and connects the controls to the figure.

const MORPH = 280; // milliseconds from one step's shape to the next

const element = (id) => document.getElementById(id);
const checked = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
const percent = (share) => `${Math.round(100 * share)} %`;

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// {steps: occupancy grids, gates: coarse grids, ...} from the element that holds them; see page.py.
async function readObject() {
  const object = JSON.parse(element("object").textContent);
  const levels = await inflate(object.occupancy);
  const voxels = object.side ** 3;
  object.steps = object.views.map((_, step) => ({
    side: object.side,
    // A level stands for all occupancies above the next lower level, up to and including its own.
    values: Float32Array.from(levels.subarray(step * voxels, (step + 1) * voxels), (level) => (level && level - 0.5) / object.levels),
  }));
  const all = object.views.flatMap((view) => view.written || []);
  object.range = [Math.min(...all), Math.max(...all)];
  object.gates = object.views.map((view) => ({ side: object.cells, values: view.written }));
  return object;
}

class Page {
  constructor(object) {
    this.object = object;
    this.figure = element("figure");
    this.orbit = new Orbit(this.figure, () => {
      this.figure.classList.add("touched");
      this.stage?.draw();
    });
    this.step = object.views.length - 1; // counted from 0
    this.from = this.step;
    this.morphed = 1;
    this.addViews();
    const [step, threshold] = ["step", "threshold"].map(element);
    step.max = object.views.length;
    step.value = object.views.length;
    step.addEventListener("input", () => this.goTo(step.valueAsNumber - 1));
    threshold.value = object.threshold;
    threshold.addEventListener("input", () => this.update());
    document.querySelector(`input[name="surface"][value="${object.style}"]`).checked = true;
    for (const name of ["surface", "color"]) {
      for (const input of document.getElementsByName(name)) input.addEventListener("change", () => this.update());
    }
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", () => this.stage?.setDark(this.dark.matches));
    this.describe();
    // Browsers keep about sixteen WebGL contexts and drop the oldest: a figure requests one when it becomes visible.
    new IntersectionObserver((entries) => {
      this.visible = entries[entries.length - 1].isIntersecting;
      if (this.visible && !this.stage) this.open();
    }).observe(this.figure);
  }

  addViews() {
    const list = element("views");
    this.object.views.forEach((view, number) => {
      const button = list.appendChild(document.createElement("li")).appendChild(document.createElement("button"));
      button.type = "button";
      button.title = view.name;
      const image = button.appendChild(new Image());
      image.src = view.image;
      image.alt = `View ${number + 1} as the network saw it: ${view.name}`;
      button.appendChild(document.createElement("span")).textContent = view.name;
      button.addEventListener("click", () => this.goTo(number));
    });
  }

  open() {
    try {
      this.stage = new Stage(this.figure, this.orbit, this.dark.matches);
    } catch {
      this.say("This browser cannot draw in three dimensions: WebGL is switched off or missing.");
      return;
    }
    this.stage.frame(smoothSurface(this.object.steps[this.object.steps.length - 1], this.object.threshold));
    this.stage.renderer.domElement.addEventListener("webglcontextlost", () => {
      this.stage.dispose();
      this.stage = null;
      if (this.visible) this.open();
    });
    this.update();
  }

  // Go to the shape after another view by blending from the current one, so that the eye can follow what changed.
  goTo(step) {
    if (step === this.step) return;
    this.from = this.step;
    this.step = step;
    element("step").value = step + 1;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const began = performance.now();
    cancelAnimationFrame(this.morphing);
    const frame = (now) => {
      this.morphed = still ? 1 : Math.min(Math.max((now - began) / MORPH, 0), 1);
      this.update();
      if (this.morphed < 1) this.morphing = requestAnimationFrame(frame);
    };
    this.describe();
    this.morphing = requestAnimationFrame(frame);
  }

  update() {
    const { object, from, step, morphed, stage } = this;
    const threshold = element("threshold").valueAsNumber;
    const ease = morphed * morphed * (3 - 2 * morphed);
    const grid = mixGrids(object.steps[from], object.steps[step], ease);
    const surface = checked("surface") === "smooth" ? smoothSurface : blockySurface;
    if (stage) {
      const mesh = surface(grid, threshold);
      let share = null;
      if (checked("color") === "written") {
        const written = mixGrids(object.gates[from], object.gates[step], ease);
        const [low, high] = object.range;
        share = (x, y, z) => (sampleGrid(written, x, y, z) - low) / (high - low || 1);
      }
      stage.show(mesh, vertexColors(mesh, share));
      this.figure.dataset.triangles = mesh.indices.length / 3;
    }
    this.figure.dataset.moving = morphed < 1;
    this.describe();
  }

  // Update all text on the page.
  describe() {
    const { object, step } = this;
    const threshold = element("threshold").valueAsNumber;
    const { values } = object.steps[step];
    const occupied = values.reduce((count, value) => count + (value > threshold), 0);
    const count = object.views.length;
    element("step-value").textContent = count === 1 ? "1 view" : `${step + 1} of ${count} views`;
    element("threshold-value").textContent = threshold.toFixed(threshold * 100 === Math.round(threshold * 100) ? 2 : 3);
    element("occupied").textContent = `${occupied.toLocaleString("en")} of ${values.length.toLocaleString("en")} voxels`;
    this.figure.dataset.occupied = occupied;
    const highest = values.reduce((most, value) => Math.max(most, value), 0);
    this.say(occupied ? "" : `No voxel is above the threshold; the highest occupancy is ${highest.toFixed(2)}. Lower the threshold.`);
    const written = checked("color") === "written";
    element("legend").hidden = element("note").hidden = !written;
    element("legend-title").textContent = `Written by view ${step + 1}`;
    element("legend-low").textContent = percent(object.range[0]);
    element("legend-high").textContent = percent(object.range[1]);
    [...element("views").children].forEach((item, number) => {
      item.classList.toggle("current", number === step);
      item.classList.toggle("later", number > step);
      item.firstChild.setAttribute("aria-current", number === step ? "step" : "false");
    });
    // Not scrollIntoView, which would scroll the page as well.
    const [list, current] = [element("views"), element("views").children[step]];
    list.scrollTo({
      left: Math.min(Math.max(list.scrollLeft, current.offsetLeft + current.offsetWidth + 4 - list.clientWidth), current.offsetLeft - 4),
      top: Math.min(Math.max(list.scrollTop, current.offsetTop + current.offsetHeight + 4 - list.clientHeight), current.offsetTop - 4),
    });
  }

  say(sentence) {
    element("message").textContent = sentence;
  }
}

async function main() {
  try {
    const [object, library] = await Promise.all([readObject(), inflate(element("three").textContent)]);
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(library);
    document.head.append(script);
    new Page(object);
  } catch (error) {
    element("message").textContent = `This page needs a browser of 2023 or later (${error.message}).`;
    throw error;
  }
}

main();
