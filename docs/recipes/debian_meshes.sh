#!/usr/bin/env bash
# Aircraft, cars and boats from Debian's packages as OBJ files beside their textures: debian_meshes.sh FOLDER.
# Needs apt and assimp-utils. Writes FOLDER/airplane.txt, car.txt and watercraft.txt, a path a line.
# airplane and watercraft look along -x, car along +x; y is up in all of them.
set -euo pipefail
folder=$(realpath "${1:?folder to unpack into}")
mkdir -p "$folder"
cd "$folder"
for package in flightgear-data-ai flightgear-data-models torcs-data gl-117-data; do
    ls "$package"_*.deb >/dev/null 2>&1 || apt-get download "$package"
    dpkg -x "$package"_*.deb .
done
games=$folder/usr/share/games

# Kept for judging: eight aircraft of flightgear-data-ai, and the same types of gl-117. Others are no aircraft, or spread
# over several files.
reserved="738 747 A310 A6M2 F-15 Fokker-S-11 MiG-21bis bf109"
unfit="balloon Ferry CCX M11 bluebird SpaceShuttle"
parts=(! -iname "*light*" ! -iname "*cone*" ! -name tank.ac ! -name wheels.ac ! -name probe.ac ! -name refueling.ac
    ! -name exhaust.ac ! -name droptank.ac)

convert() { # FILE LIST
    local target=${1%.*}.obj
    [ -f "$target" ] || timeout 60 assimp export "$1" "$target" -fobj >/dev/null 2>&1 || true
    if [ -f "$target" ]; then echo "$target" >>"$folder/$2.txt"; else echo "not converted: $1" >&2; fi
}

rm -f airplane.txt car.txt watercraft.txt
for aircraft in "$games"/flightgear/AI/Aircraft/*/; do
    case " $reserved $unfit " in *" $(basename "$aircraft") "*) continue ;; esac
    largest=$(find "$aircraft" -name "*.ac" -size +6k "${parts[@]}" -printf "%s %p\n" | sort -n | tail -n 1 | cut -d " " -f 2-)
    [ -z "$largest" ] || convert "$largest" airplane
done
for name in gl-14 gl-14b gl-14c gl-14d gl-16 gl-29 gl-50 transp1 transp2 transp4; do
    convert "$games/gl-117/models/$name.3ds" airplane
done
geometry=$games/flightgear/Models/Geometry
for name in KA6-D KC135 a4-f-tanker KC-130 glider; do
    while read -r file; do convert "$file" airplane; done < <(find "$geometry" -name "$name.ac")
done
for name in CG-57 OliverPerryFFG CG57 CG47 SailBoatUnderPower SailBoatUnderSail SailBoatUnderPower11m container_carrier \
    SimpleFreighter Tanker LargeTrawler FerryBoat1 sailboat nimitz vinson; do
    while read -r file; do convert "$file" watercraft; done < <(
        find "$games/flightgear/Models/Maritime" "$geometry" -name "$name.ac" -size +5k)
done
for file in "$games"/torcs/cars/*/*.acc; do
    case $file in *lod*) ;; *) convert "$file" car ;; esac
done
wc -l airplane.txt car.txt watercraft.txt
