// The three.js scene: one matte mesh in soft light with its shadow on a floor, redrawn only when something changes.

const PLAIN = [100, 150, 214]; // sRGB, the colour of the meshes that Python writes
const SCALE = [[58, 74, 138], [150, 82, 152], [232, 112, 92], [255, 202, 92]]; // from least to most, as in page.css
const FIELD_OF_VIEW = 30; // degrees, along the shorter side
const ROOM = 1.15; // the picture's half height, in radii of the sphere around the object

class Stage {
  constructor(container, orbit, dark) {
    const renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    renderer.outputEncoding = THREE.sRGBEncoding;
    renderer.shadowMap.enabled = true;
    renderer.shadowMap.type = THREE.PCFShadowMap;
    container.prepend(renderer.domElement);

    const scene = new THREE.Scene();
    const camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 20);
    const sun = new THREE.DirectionalLight(0xffffff, 0.72);
    sun.position.set(1.2, 2.6, 1.5);
    sun.castShadow = true;
    sun.shadow.mapSize.set(1024, 1024);
    sun.shadow.radius = 5;
    sun.shadow.normalBias = 0.01;
    Object.assign(sun.shadow.camera, { left: -1, right: 1, top: 1, bottom: -1, near: 0.5, far: 6 });
    const lamp = new THREE.DirectionalLight(0xffffff, 0.22); // moves with the camera, so that no side is ever black
    scene.add(camera, sun, lamp, new THREE.HemisphereLight(0xffffff, 0x7c828c, 0.4));

    const material = new THREE.MeshStandardMaterial({ vertexColors: true, roughness: 0.85, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 });
    this.mesh = new THREE.Mesh(new THREE.BufferGeometry(), material);
    this.mesh.castShadow = this.mesh.receiveShadow = true;
    this.lines = new THREE.LineSegments(new THREE.BufferGeometry(), new THREE.LineBasicMaterial({ transparent: true, opacity: 0.16, color: 0x000000 }));
    this.floor = new THREE.Mesh(new THREE.PlaneGeometry(20, 20), new THREE.ShadowMaterial());
    this.floor.rotation.x = -Math.PI / 2;
    this.floor.receiveShadow = true;
    scene.add(this.mesh, this.lines, this.floor);

    Object.assign(this, { container, orbit, renderer, scene, camera, lamp, sphere: new THREE.Sphere(undefined, 0.6) });
    this.setDark(dark);
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(container);
  }

  setDark(dark) {
    this.floor.material.opacity = dark ? 0.5 : 0.2;
    this.draw();
  }

  // Point the camera at the middle of a mesh, at the distance where it fills the picture.
  frame(mesh) {
    const geometry = new THREE.BufferGeometry().setAttribute("position", new THREE.BufferAttribute(mesh.positions, 3));
    geometry.computeBoundingSphere();
    if (!mesh.positions.length) return;
    this.sphere = geometry.boundingSphere;
    this.sphere.center.y -= 0.08 * this.sphere.radius; // leaves room for the hint below the object
  }

  // mesh: as in surface.js; colors: Float32Array, linear RGB of each vertex.
  show(mesh, colors) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(mesh.positions, 3));
    geometry.setAttribute("color", new THREE.BufferAttribute(colors, 3));
    geometry.setIndex(new THREE.BufferAttribute(mesh.indices, 1));
    geometry.computeVertexNormals();
    geometry.computeBoundingBox();
    this.replace(this.mesh, geometry);
    this.replace(this.lines, new THREE.BufferGeometry().setAttribute("position", new THREE.BufferAttribute(mesh.edges, 3)));
    this.floor.visible = this.mesh.visible = mesh.indices.length > 0;
    if (this.floor.visible) this.floor.position.y = geometry.boundingBox.min.y - 0.002;
    this.draw();
  }

  replace(part, geometry) {
    part.geometry.dispose();
    part.geometry = geometry;
  }

  draw() {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = null;
      this.resize();
      const { camera, orbit } = this;
      const half = (FIELD_OF_VIEW / 2) * (Math.PI / 180);
      const distance = (orbit.distance * ROOM * this.sphere.radius) / Math.sin(half);
      camera.position.fromArray(orbit.direction()).multiplyScalar(distance).add(this.sphere.center);
      camera.lookAt(this.sphere.center);
      this.lamp.position.copy(camera.position);
      this.renderer.render(this.scene, camera);
    });
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.container;
    const { width: w, height: h } = this.renderer.getSize(new THREE.Vector2());
    if (w === width && h === height) return;
    this.renderer.setSize(width, height);
    this.camera.aspect = width / height;
    const half = Math.tan((FIELD_OF_VIEW / 2) * (Math.PI / 180));
    this.camera.fov = (2 * Math.atan(half / Math.min(width / height, 1)) * 180) / Math.PI;
    this.camera.updateProjectionMatrix();
  }

  dispose() {
    cancelAnimationFrame(this.scheduled);
    this.resizing.disconnect();
    this.renderer.domElement.remove();
    this.renderer.dispose();
  }
}

// Linear RGB of each vertex: the plain colour, or the colour of the scale at `share`, a function from a point to 0..1.
function vertexColors(mesh, share) {
  const linear = (rgb) => new THREE.Color(...rgb.map((value) => value / 255)).convertSRGBToLinear().toArray();
  const plain = linear(PLAIN);
  const steps = 255;
  const table = Array.from({ length: steps + 1 }, (_, step) => {
    const at = (step / steps) * (SCALE.length - 1);
    const low = Math.min(Math.floor(at), SCALE.length - 2);
    return linear(SCALE[low].map((value, channel) => value + (SCALE[low + 1][channel] - value) * (at - low)));
  });
  const colors = new Float32Array(mesh.positions.length);
  for (let at = 0; at < colors.length; at += 3) {
    colors.set(share ? table[Math.round(steps * share(...mesh.positions.subarray(at, at + 3)))] : plain, at);
  }
  return colors;
}
